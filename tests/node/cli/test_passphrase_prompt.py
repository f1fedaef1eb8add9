"""On a terminal the passphrase is asked for, unseen, and wrong ones are refused."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keys.keyfile import is_sealed
from node.data_directory import DataDirectory

# a child whose standard streams and controlling terminal are a pseudo-terminal
ON_A_TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
# the command, with passphrases that cost next to nothing (tests/keys/passphrases.py): `keyfile` is
# imported before, so that it goes on to write the real cost into the files
VERB = """
from keys import keyfile, sealing
from node.cli.main import main
sealing.SCRYPT_N = 2
main()
"""
SECRET = "correct horse"


class Terminal:
    """A verb on a terminal: wait for words, type a line."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.shown = b""

    def expect(self, words: str) -> None:
        """Read until the words are shown."""
        assert self._process.stdout is not None
        while words.encode() not in self.shown:
            piece = os.read(self._process.stdout.fileno(), 1024)
            assert piece, self.shown.decode()
            self.shown += piece

    def type(self, text: str) -> None:
        """Type a line; what was shown before is forgotten."""
        assert self._process.stdin is not None
        self.shown = b""
        self._process.stdin.write(text.encode() + b"\n")
        self._process.stdin.flush()

    def end(self) -> int:
        """Read what is left and return the exit code."""
        assert self._process.stdout is not None
        self.shown += self._process.stdout.read()
        return self._process.wait()


@contextmanager
def terminal(*arguments: str) -> Iterator[Terminal]:
    command = [sys.executable, "-c", VERB, *arguments]
    with subprocess.Popen(
        [sys.executable, "-c", ON_A_TERMINAL, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            yield Terminal(process)
        finally:
            process.kill()


def made(path: Path, first: str, second: str | None) -> tuple[int, bytes]:
    arguments = ["--organisation", "a.example", "--url", "https://a.example", "--data", str(path)]
    with terminal("init", *arguments) as verb:
        verb.expect("New passphrase")
        verb.type(first)
        if second is not None:
            verb.expect("same again")
            verb.type(second)
        return verb.end(), verb.shown


def test_init_asks_twice_and_later_verbs_once(tmp_path: Path) -> None:
    code, shown = made(tmp_path / "new", SECRET, SECRET)
    assert code == 0
    assert SECRET.encode() not in shown
    assert is_sealed(DataDirectory(tmp_path / "new").key_file("sign"))
    for name, typed, expected in (("anna", SECRET, 0), ("ben", "wrong horse", 1)):
        with terminal("token", "create", name, "--data", str(tmp_path / "new")) as verb:
            verb.expect("Passphrase of the node's keys")
            verb.type(typed)
            assert verb.end() == expected
            assert typed.encode() not in verb.shown
            assert (b"does not open" in verb.shown) is (expected == 1)


def test_two_different_passphrases_make_no_node(tmp_path: Path) -> None:
    code, shown = made(tmp_path / "new", SECRET, "other horse")
    assert code == 1
    assert b"differ" in shown
    assert not (tmp_path / "new").exists()


def test_an_empty_passphrase_means_none(tmp_path: Path) -> None:
    code, _ = made(tmp_path / "new", "", None)
    assert code == 0
    assert not is_sealed(DataDirectory(tmp_path / "new").key_file("sign"))
