"""init, token, status, doctor: the same answers while the node runs and while it is stopped."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from node.cli import run
from node.cli.main import app
from node.data_directory import DataDirectory
from node.listeners.addresses import read
from node.operations.exit_codes import ExitCode
from node.tokens import Tokens
from tests.conftest import MakeNode, NewNode, Serving
from tests.keys.passphrases import cheap_passphrases

runner = CliRunner()
PATIENCE_S = 60.0


def ask(data: Path, *arguments: str) -> Any:
    """Run a verb with --json; its object, after checking that it succeeded."""
    done = runner.invoke(app, [*arguments, "--json", "--data", str(data)])
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


@contextmanager
def serving_process(data: DataDirectory) -> Iterator[None]:
    command = [sys.executable, "-m", "node.cli.main", "serve", "--json", "--data", str(data.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline()
            yield
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(PATIENCE_S)


def test_init_makes_a_node_that_other_verbs_find(tmp_path: Path) -> None:
    made = ask(
        tmp_path / "new",
        *("init", "--organisation", "a.example", "--url", "https://a.example"),
        *("--set", "admin.port=0", "--set", "log.format=text", "--no-passphrase"),
    )
    assert len(made["fingerprint"].split()) == 12
    status = ask(tmp_path / "new", "status")
    assert status["fingerprint"] == made["fingerprint"]
    assert status["organisation"] == "a.example"
    assert status["listeners"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--organisation", "A", "--url", "https://a.example"], "organisation"),
        (["--organisation", "a.example", "--url", "a.example"], "url"),
        (
            ["--organisation", "a.example", "--url", "https://a.example", "--set", "prot=1"],
            "Unknown setting: prot",
        ),
        (
            ["--organisation", "a.example", "--url", "https://a.example", "--set", "admin"],
            "section.key=value",
        ),
        (["--organisation", "a.example"], "init --asks-only"),
    ],
)
def test_init_refuses_what_cannot_work_and_leaves_nothing(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    done = runner.invoke(app, ["init", *arguments, "--data", str(tmp_path / "new")])
    assert done.exit_code == ExitCode.USAGE
    assert said in done.stderr
    assert not (tmp_path / "new").exists()


def test_init_refuses_a_directory_with_a_node(new_node: NewNode) -> None:
    arguments = ["--organisation", "a.example", "--url", "https://a.example"]
    done = runner.invoke(app, ["init", *arguments, "--data", str(new_node.path)])
    assert done.exit_code == ExitCode.FAILED
    assert "already" in done.stderr


def test_init_seals_keys_with_a_passphrase_from_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "passphrase"
    secret.write_text("correct horse\n")
    monkeypatch.setenv("INTERLINGUA_PASSPHRASE_FILE", str(secret))
    data = tmp_path / "new"
    with cheap_passphrases():
        ask(data, "init", "--organisation", "a.example", "--url", "https://a.example")
    assert "correct horse" not in "".join(
        path.read_text(errors="replace") for path in data.rglob("*") if path.is_file()
    )
    monkeypatch.delenv("INTERLINGUA_PASSPHRASE_FILE")
    done = runner.invoke(app, ["token", "create", "anna", "--data", str(data)])
    assert done.exit_code == ExitCode.FAILED
    assert "INTERLINGUA_PASSPHRASE_FILE" in done.stderr


def test_verbs_say_where_there_is_no_node(tmp_path: Path) -> None:
    done = runner.invoke(app, ["status", "--data", str(tmp_path)])
    assert done.exit_code == ExitCode.FAILED
    assert "interlingua init" in done.stderr


def test_verbs_work_on_a_stopped_and_on_a_running_node(new_node: NewNode) -> None:
    secret = ask(new_node.path, "token", "create", "anna", "--purpose", "care")["token"]
    with serving_process(new_node.data):
        listed = ask(new_node.path, "token", "list")["tokens"]
        assert [token["name"] for token in listed] == ["anna"]
        ask(new_node.path, "token", "create", "ben", "--role", "auditor")
        status = ask(new_node.path, "status")
        shown = read(new_node.data)
        assert shown is not None
        assert status["listeners"] == shown.model_dump()
        assert ask(new_node.path, "token", "revoke", "anna")["revoked"] is not None
    tokens = Tokens(new_node.data.tokens_file)
    assert tokens.holder(secret) is None
    assert {token.name for token in tokens.list()} == {"anna", "ben"}
    assert ask(new_node.path, "status")["listeners"] is None


def test_changes_of_tokens_are_in_the_log(new_node: NewNode) -> None:
    ask(new_node.path, "token", "create", "anna")
    ask(new_node.path, "token", "revoke", "anna")
    entries = ask(new_node.path, "audit", "search")
    assert "token-create" in str(entries)
    assert "token-revoke" in str(entries)


def test_a_token_that_exists_leaves_no_leaf(new_node: NewNode) -> None:
    ask(new_node.path, "token", "create", "anna")
    size = ask(new_node.path, "status")["log_size"]
    done = runner.invoke(app, ["token", "create", "anna", "--data", str(new_node.path)])
    assert done.exit_code == ExitCode.FAILED
    assert ask(new_node.path, "status")["log_size"] == size


def test_a_locked_directory_without_a_socket_is_given_up(
    new_node: NewNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "WAIT_S", 0.3)
    with new_node.data.lock():
        done = runner.invoke(app, ["token", "list", "--json", "--data", str(new_node.path)])
    assert done.exit_code == ExitCode.UNAVAILABLE
    assert json.loads(done.stdout)["problem"]["code"] == "data-directory-in-use"


def test_a_command_waits_for_another_one_to_end(new_node: NewNode) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time\nfrom pathlib import Path\n"
            "from node.data_directory import DataDirectory\n"
            "with DataDirectory(Path(sys.argv[1])).lock():\n"
            "    print(flush=True)\n    time.sleep(0.5)\n",
            str(new_node.path),
        ],
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert ask(new_node.path, "token", "list") == {"tokens": []}


def test_ctrl_c_ends_a_verb_with_its_code(new_node: NewNode) -> None:
    with new_node.data.lock():
        waiting = subprocess.Popen(
            [sys.executable, "-m", "node.cli.main", "status", "--data", str(new_node.path)],
            stderr=subprocess.DEVNULL,
        )
        with waiting:
            time.sleep(1.5)  # it waits for the lock by then
            waiting.send_signal(signal.SIGINT)
            assert waiting.wait(PATIENCE_S) in (ExitCode.INTERRUPTED, -signal.SIGINT)


def test_doctor_finds_nothing_worse_than_unsealed_keys_in_a_new_node(new_node: NewNode) -> None:
    found = ask(new_node.path, "doctor")
    assert [finding["code"] for finding in found["findings"]] == ["keys-unsealed"]


async def test_doctor_works_on_a_running_node(new_node: NewNode, serving: Serving) -> None:
    async with serving(new_node):
        found = await asyncio.to_thread(ask, new_node.path, "doctor")
    assert [finding["code"] for finding in found["findings"]] == ["keys-unsealed"]


def broken(new: NewNode, *, code: str) -> None:
    done = runner.invoke(app, ["doctor", "--json", "--data", str(new.path)])
    assert done.exit_code == ExitCode.FAILED
    findings = json.loads(done.stdout)["findings"]
    assert code in {finding["code"] for finding in findings}
    assert all(finding["fix"] and finding["cause"] for finding in findings)
    assert findings[0]["level"] == "problem", "problems come first"


def test_doctor_names_what_is_broken_even_when_the_node_does_not_open(new_node: NewNode) -> None:
    new_node.path.chmod(0o755)
    broken(new_node, code="files-exposed")
    new_node.path.chmod(0o700)
    new_node.data.key_file("sign").chmod(0o644)
    broken(new_node, code="key-exposed")
    new_node.data.key_file("sign").unlink()
    broken(new_node, code="key-missing")
    new_node.data.config_file.write_text("nonsense")
    broken(new_node, code="configuration-unreadable")


def test_doctor_names_a_damaged_log(new_node: NewNode) -> None:
    ask(new_node.path, "token", "create", "anna")
    for path in new_node.path.glob("log.db*"):
        path.unlink()
    new_node.data.log_file.write_bytes(b"not a database" * 500)
    broken(new_node, code="log-damaged")


def test_doctor_warns_of_listeners_that_partners_cannot_reach(make_node: MakeNode) -> None:
    new = make_node(setting={"url": "http://clinic.example"})
    codes = {finding["code"] for finding in ask(new.path, "doctor")["findings"]}
    assert {"not-reachable", "plaintext-url"} <= codes


def test_doctor_says_what_serve_would_refuse(make_node: MakeNode) -> None:
    new = make_node(setting={"federation.host": "0.0.0.0"})  # noqa: S104 - never bound
    broken(new, code="plaintext-refused")
