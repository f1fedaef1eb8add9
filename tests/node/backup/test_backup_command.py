"""`interlingua backup` and `restore` as an admin runs them."""

from __future__ import annotations

import json
import os
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from node.backup.errors import ArchiveDamaged, ArchiveOversized, BackupFailed, TargetNotEmpty
from node.backup.folder import held_folder
from node.backup.gather import FOLDER
from node.backup.manifest import LEFT_OUT, LEFT_OUT_FILES
from node.backup.restore import restored
from node.cli.main import app
from node.data_directory import DataDirectory
from node.operations.backup import restore_backup, write_backup
from node.operations.exit_codes import ExitCode
from node.operations.registry import silent
from tests.conftest import NewNode, Serving
from tests.keys.passphrases import cheap_passphrases

runner = CliRunner()


def ask(data: Path, *arguments: str, expect: int = 0) -> Any:
    """Run a verb with --json; its object, after checking the exit code."""
    done = runner.invoke(app, [*arguments, "--json", "--data", str(data)])
    assert done.exit_code == expect, done.stderr
    return json.loads(done.stdout)


def files(data: Path) -> dict[str, bytes]:
    """What a directory holds beyond what is made at each start."""
    left_out = (*LEFT_OUT, "lock")
    return {
        path.relative_to(data).as_posix(): path.read_bytes()
        for path in sorted(data.rglob("*"))
        if path.is_file()
        and path.name not in left_out
        and path.relative_to(data).as_posix() not in LEFT_OUT_FILES
        and not path.name.endswith((".db", "-shm", "-wal"))
    }


def hidden(folder: Path) -> list[Path]:
    """What a backup or restore would leave behind."""
    return list(folder.glob(".*"))


async def test_what_is_restored_is_what_was_there(
    new_node: NewNode, serving: Serving, tmp_path: Path
) -> None:
    async with serving(new_node):
        pass  # a log and a card are there now
    (new_node.path / "indexes" / "big.hnsw").write_bytes(b"rebuilt")
    made = ask(new_node.path, "backup", str(tmp_path / "b.tar"))
    assert made["organisation"] == "clinic.example"
    assert made["log_leaves"] >= 1
    assert stat.S_IMODE((tmp_path / "b.tar").stat().st_mode) == 0o600
    back = ask(tmp_path / "new", "restore", str(tmp_path / "b.tar"))
    assert back["log_leaves"] == made["log_leaves"]
    before = files(new_node.path)
    del before["indexes/big.hnsw"]
    assert files(tmp_path / "new") == before
    exposed = [p for p in (tmp_path / "new").rglob("*") if p.stat().st_mode & 0o077]
    assert exposed == []
    assert hidden(tmp_path) == []
    shutil.rmtree(new_node.path)
    # nobody holds anything of a node without partners, so it starts at once
    async with serving(NewNode(DataDirectory(tmp_path / "new"), new_node.settings, "")):
        pass
    assert not (tmp_path / "new" / "restored.json").exists()
    assert ask(tmp_path / "new", "audit", "verify")["verdict"] == "SELF-SIGNED"


def test_a_restored_node_logs_nothing_before_it_is_settled(
    new_node: NewNode, tmp_path: Path
) -> None:
    ask(new_node.path, "backup", str(tmp_path / "b"))
    ask(tmp_path / "new", "restore", str(tmp_path / "b"))
    refused = ask(
        tmp_path / "new", "token", "create", "app", "--role", "admin", expect=ExitCode.UNAVAILABLE
    )
    assert refused["problem"]["code"] == "log-held"
    found = ask(tmp_path / "new", "doctor", expect=ExitCode.FAILED)
    assert "log-held" in [finding["code"] for finding in found["findings"]]


def test_nothing_is_overwritten(new_node: NewNode, tmp_path: Path) -> None:
    archive = tmp_path / "b"
    archive.write_bytes(b"mine")
    refused = ask(new_node.path, "backup", str(archive), expect=ExitCode.FAILED)
    assert refused["problem"]["code"] == "backup-exists"
    assert archive.read_bytes() == b"mine"
    ask(new_node.path, "backup", str(tmp_path / "c"))
    refused = ask(new_node.path, "restore", str(tmp_path / "c"), expect=ExitCode.FAILED)
    assert refused["problem"]["code"] == "directory-not-empty"


@pytest.fixture
def cheap() -> Iterator[None]:
    with cheap_passphrases():
        yield


@pytest.mark.usefixtures("cheap")
def test_a_sealed_archive_opens_with_its_passphrase_alone(
    new_node: NewNode, tmp_path: Path
) -> None:
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text("correct horse\n")
    (new_node.data.anchors / "big").write_bytes(os.urandom(100_000))
    wrong.write_text("battery staple\n")
    sealed, data = tmp_path / "b", tmp_path / "new"
    assert ask(new_node.path, "backup", str(sealed), "--passphrase-file", str(right))["sealed"]
    assert b"clinic.example" not in sealed.read_bytes()
    bad = ExitCode.UNVERIFIED
    refused = ask(data, "restore", str(sealed), "--passphrase-file", str(wrong), expect=bad)
    assert refused["problem"]["code"] == "wrong-passphrase"
    asked = ask(data, "restore", str(sealed), expect=ExitCode.USAGE)
    assert asked["problem"]["code"] == "archive-sealed"
    cut = tmp_path / "cut"
    cut.write_bytes(sealed.read_bytes()[:-100])
    refused = ask(data, "restore", str(cut), "--passphrase-file", str(right), expect=bad)
    assert refused["problem"]["code"] == "archive-truncated"
    changed = bytearray(sealed.read_bytes())
    changed[5_000] ^= 1
    cut.write_bytes(changed)
    refused = ask(data, "restore", str(cut), "--passphrase-file", str(right), expect=bad)
    assert refused["problem"]["code"] == "archive-damaged"
    assert not data.exists()
    ask(data, "restore", str(sealed), "--passphrase-file", str(right))
    assert files(data) == files(new_node.path)


@pytest.mark.parametrize("end", [300, 700, 5_000, -1])
def test_a_truncated_archive_leaves_nothing(end: int, new_node: NewNode, tmp_path: Path) -> None:
    whole = tmp_path / "b"
    ask(new_node.path, "backup", str(whole))
    (tmp_path / "cut").write_bytes(whole.read_bytes()[:end])
    bad = ExitCode.UNVERIFIED
    refused = ask(tmp_path / "new", "restore", str(tmp_path / "cut"), expect=bad)
    assert refused["problem"]["code"] == "archive-truncated"
    assert not (tmp_path / "new").exists()
    assert list(tmp_path.glob(".*")) == []


def backed_up(node: NewNode, to: Path) -> Path:
    write_backup(node.data, to, None, 1_790_000_000, silent)
    return to


def test_a_backup_that_makes_no_node_is_refused(new_node: NewNode, tmp_path: Path) -> None:
    settings = new_node.data.config_file
    settings.write_text(settings.read_text().replace('"clinic.example"', '"bank.example"'))
    archive = backed_up(new_node, tmp_path / "b")
    with pytest.raises(Exception, match=r"bank\.example|clinic\.example"):
        restore_backup(archive, DataDirectory(tmp_path / "new"), lambda: None, 0, silent)
    assert not (tmp_path / "new").exists()


async def test_a_damaged_log_is_not_backed_up(
    new_node: NewNode, serving: Serving, tmp_path: Path
) -> None:
    async with serving(new_node):
        pass
    raw = bytearray(new_node.data.log_file.read_bytes())
    at = raw.rindex(b'"type":"start"')
    raw[at + 8 : at + 13] = b"stout"
    new_node.data.log_file.write_bytes(raw)
    refused = ask(new_node.path, "backup", str(tmp_path / "b"), expect=ExitCode.UNVERIFIED)
    assert refused["problem"]["code"] == "log-damaged"
    assert not (tmp_path / "b").exists()


def test_a_backup_larger_than_the_disk_is_refused(
    new_node: NewNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = backed_up(new_node, tmp_path / "b")
    monkeypatch.setattr("node.backup.restore.ROOM_BYTES", 2**62)
    with pytest.raises(ArchiveOversized, match="are free below"):
        restore_backup(archive, DataDirectory(tmp_path / "new"), lambda: None, 0, silent)


def test_a_full_disk_leaves_no_archive(new_node: NewNode, tmp_path: Path) -> None:
    (new_node.data.anchors / "big").write_bytes(os.urandom(4 * 1024 * 1024))
    command = [sys.executable, "-m", "node.cli.main", "backup", str(tmp_path / "b")]

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2 * 1024 * 1024, 2 * 1024 * 1024))

    done = subprocess.run(
        [*command, "--json", "--data", str(new_node.path)],
        capture_output=True,
        preexec_fn=little_room,
        check=False,
    )
    assert done.returncode == ExitCode.FAILED, done.stderr
    assert json.loads(done.stdout)["problem"]["code"] == "operating-system"
    assert not (tmp_path / "b").exists()
    assert list(tmp_path.glob(".b*")) == []
    assert not (new_node.path / FOLDER).exists()


def test_what_is_no_file_is_named(new_node: NewNode, tmp_path: Path) -> None:
    (new_node.path / "spaces" / "link").symlink_to("/etc/passwd")
    with pytest.raises(BackupFailed, match="neither a file nor a folder"):
        backed_up(new_node, tmp_path / "b")


def test_two_backups_at_once_are_refused(new_node: NewNode, tmp_path: Path) -> None:
    with (
        held_folder(new_node.path / FOLDER, "busy"),
        pytest.raises(BackupFailed, match="Another backup"),
    ):
        backed_up(new_node, tmp_path / "b")


def test_a_folder_that_another_user_made_is_not_restored_into(
    new_node: NewNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, trap = backed_up(new_node, tmp_path / "b"), tmp_path / ".new.restoring"
    trap.mkdir()
    if os.geteuid() == 0:
        os.chown(trap, 65534, 65534)
    else:  # only root can give folders away; then it is this process that is somebody else
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with (
        pytest.raises(BackupFailed, match="another user"),
        restored(archive, tmp_path / "new", lambda: None, 0, silent),
    ):
        pass
    assert list(trap.iterdir()) == []
    assert not (tmp_path / "new").exists()


def test_somebody_who_takes_the_place_meanwhile_keeps_it(new_node: NewNode, tmp_path: Path) -> None:
    archive, target = backed_up(new_node, tmp_path / "b"), tmp_path / "new"
    unpacking = restored(archive, target, lambda: None, 0, silent)
    place, _ = unpacking.__enter__()
    assert place.path != target
    target.mkdir()
    (target / "mine").touch()
    with pytest.raises(TargetNotEmpty):
        unpacking.__exit__(None, None, None)
    assert [path.name for path in target.iterdir()] == ["mine"]


def test_a_manifest_of_another_organisation_is_refused(new_node: NewNode, tmp_path: Path) -> None:
    raw = backed_up(new_node, tmp_path / "b").read_bytes()
    head, _, rest = raw.partition(b'"organisation": "clinic.example"')
    changed = head + b'"organisation": "clinix.example"' + rest
    (tmp_path / "c").write_bytes(changed)
    with pytest.raises(ArchiveDamaged, match="another organisation"):
        restore_backup(tmp_path / "c", DataDirectory(tmp_path / "n"), lambda: None, 0, silent)


KILLED = """
import os, pathlib, signal, sys
from node.store.store import Store
store = Store.open(pathlib.Path(sys.argv[1]))
with store.write() as db:
    db.execute("CREATE TABLE probe (word TEXT)")
    db.execute("INSERT INTO probe VALUES ('kept')")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_node_left_beside_its_database_is_in_the_backup(
    new_node: NewNode, tmp_path: Path
) -> None:
    store = new_node.data.store_file
    subprocess.run([sys.executable, "-c", KILLED, str(store)], check=False)
    assert store.with_name("store.db-wal").stat().st_size > 0
    archive = backed_up(new_node, tmp_path / "b")
    restore_backup(archive, DataDirectory(tmp_path / "new"), lambda: None, 0, silent)
    with closing(sqlite3.connect(tmp_path / "new" / "store.db")) as back:
        assert back.execute("SELECT word FROM probe").fetchall() == [("kept",)]
