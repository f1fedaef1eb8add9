"""fsck names every damage that a hand or a disk can do to log.db, and each only once."""

import asyncio
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from keys.signer import SeedSigner
from node.audit.errors import LogDamaged, LogTooNew, LogUnavailable
from node.audit.fsck import fsck
from node.operations.registry import silent
from protocol.checkpoint import Checkpoint, sign_checkpoint
from protocol.merkle import leaf_hash, position
from protocol.note import VerifierKey
from tests.node.audit.entries import LOG_KEY, ORIGIN, event, exchange, opened
from tests.node.audit.tampering import LEAVES, examined, kinds, log_file, tamper


def test_an_untouched_log_is_whole(tmp_path: Path) -> None:
    result = examined(log_file(tmp_path))
    assert result.findings.listed == []
    assert (result.size, result.origin) == (LEAVES, ORIGIN)
    assert result.verifier_key == str(VerifierKey(ORIGIN, LOG_KEY.public))


async def test_a_log_that_is_being_written_is_examined_at_one_moment(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    async with opened(path) as log:
        writing = [asyncio.create_task(log.append(exchange(n))) for n in range(100)]
        await writing[0]
        result = await asyncio.to_thread(fsck, path, silent)
        await asyncio.gather(*writing)
    assert not result.findings
    assert 1 <= result.size <= 100


PUT = "UPDATE leaves SET data = ? WHERE idx = ?"
MOVE = "UPDATE leaves SET idx = ? WHERE idx = ?"


@pytest.mark.parametrize("index", [0, 5, LEAVES - 1])
def test_a_changed_leaf_is_named(tmp_path: Path, index: int) -> None:
    path = log_file(tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        data = connection.execute("SELECT data FROM leaves WHERE idx = ?", (index,)).fetchone()[0]
    for place in (10, len(data) // 2, len(data) - 2):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        tamper(path, PUT, values=(changed, index))
        result = examined(path)
        found = {(finding.kind, finding.index) for finding in result.findings.listed}
        assert ("leaf-changed", index) in found
        assert {kind for kind, _ in found} <= {"leaf-changed", "facts-differ", "leaf-malformed"}
    tamper(path, PUT, values=(data, index))
    assert not examined(path).findings


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("DELETE FROM leaves WHERE idx = 4", {"leaf-missing"}),
        ("DELETE FROM leaves WHERE idx = 11", {"log-shortened", "node-extra"}),
        ("DELETE FROM leaves", {"log-shortened", "node-extra"}),
        (
            "INSERT INTO leaves VALUES (12, x'7b7d')",
            {"leaf-unsigned", "node-missing", "facts-differ"},
        ),
        ("UPDATE facts SET peer = 'other.example' WHERE idx = 1", {"facts-differ"}),
        ("UPDATE facts SET at = at + 1 WHERE idx = 1", {"facts-differ"}),
        ("DELETE FROM facts WHERE idx = 1", {"facts-differ"}),
        ("DELETE FROM nodes WHERE position = 5", {"node-missing"}),
        ("DELETE FROM checkpoints", {"checkpoint-missing"}),
        ("DELETE FROM checkpoints WHERE size = 12", {"leaf-unsigned"}),
        ("UPDATE checkpoints SET size = 10 WHERE size = 3", {"checkpoint-differs"}),
        ("UPDATE checkpoints SET note = x'00' WHERE size = 3", {"checkpoint-invalid"}),
        ("UPDATE meta SET value = 'other' WHERE name = 'origin'", {"checkpoint-invalid"}),
        ("UPDATE log_keys SET verifier_key = 'other'", {"checkpoint-invalid"}),
    ],
)
def test_each_removal_insertion_and_change_is_named(
    tmp_path: Path, statement: str, expected: set[str]
) -> None:
    path = log_file(tmp_path)
    tamper(path, statement)
    assert kinds(path) == expected


def test_reordered_leaves_are_named(tmp_path: Path) -> None:
    path = log_file(tmp_path)
    for table in ("leaves", "facts"):
        for old, new in ((2, 100), (3, 2), (100, 3)):
            tamper(path, MOVE.replace("leaves", table), values=(new, old))
    found = {(finding.kind, finding.index) for finding in examined(path).findings.listed}
    assert found == {("leaf-changed", 2), ("leaf-changed", 3)}


def test_a_changed_leaf_with_its_hash_is_still_found_by_the_tree(tmp_path: Path) -> None:
    path = log_file(tmp_path)
    forged = b'{"at":1,"type":"admin"}'
    tamper(path, "UPDATE leaves SET data = ? WHERE idx = 5", values=(forged,))
    rehash = "UPDATE nodes SET hash = ? WHERE position = ?"
    tamper(path, rehash, values=(leaf_hash(forged), position(0, 5)))
    assert {"node-changed", "checkpoint-differs"} <= kinds(path)


def test_a_whole_tree_rewritten_without_the_log_key_is_found(tmp_path: Path) -> None:
    """Only the signature stands between a rewritten tree and belief; a stranger's is not taken."""
    path = log_file(tmp_path)
    other = SeedSigner.generate()
    head = examined(path)
    note = sign_checkpoint(Checkpoint(ORIGIN, LEAVES, head.root), other)
    tamper(path, "UPDATE checkpoints SET note = ? WHERE size = ?", values=(note, LEAVES))
    assert kinds(path) == {"checkpoint-invalid"}
    stated = str(VerifierKey(ORIGIN, other.public))
    tamper(path, "UPDATE log_keys SET verifier_key = ?", values=(stated,))
    expected = VerifierKey(ORIGIN, LOG_KEY.public)
    assert "log-foreign" in {f.kind for f in fsck(path, silent, expected).findings.listed}


def test_a_damaged_page_is_found(tmp_path: Path) -> None:
    path = log_file(tmp_path)
    with path.open("r+b") as file:
        file.seek(4096 * 3 + 8)
        file.write(b"\xff" * 64)
    with suppress(LogDamaged):  # where SQLite cannot even read on
        assert examined(path).findings


def test_what_is_no_log_of_this_release_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with pytest.raises(LogUnavailable):
        examined(path)
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(LogDamaged):
        examined(path)
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE other (x)")
    with pytest.raises(LogDamaged, match="not an interlingua audit log"):
        examined(path)
    path.unlink()
    log_file(tmp_path)
    tamper(path, "PRAGMA user_version = 99")
    with pytest.raises(LogTooNew):
        examined(path)


def test_the_rows_are_only_appended_even_by_mistake(tmp_path: Path) -> None:
    path = log_file(tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        for table in ("leaves", "nodes", "checkpoints"):
            with pytest.raises(sqlite3.IntegrityError, match="only appended"):
                connection.execute("DELETE FROM leaves".replace("leaves", table))


async def test_a_copy_taken_while_writing_is_whole(tmp_path: Path) -> None:
    """A backup through SQLite is a whole, older log."""
    async with opened(tmp_path / "log.db") as log:
        await log.append(event())
        with (
            closing(sqlite3.connect(tmp_path / "log.db")) as source,
            closing(sqlite3.connect(tmp_path / "copy.db")) as target,
        ):
            source.backup(target)
        await log.append(event())
    assert examined(tmp_path / "copy.db").size == 1
    assert not examined(tmp_path / "copy.db").findings
    shutil.copy(tmp_path / "log.db", tmp_path / "closed.db")
    assert not examined(tmp_path / "closed.db").findings
