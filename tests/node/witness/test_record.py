"""What was cosigned last only grows, whoever writes at the same time."""

import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from node.audit.errors import LogTooNew, LogUnavailable
from node.witness.database import KIND, STEPS
from node.witness.record import Suspected, WitnessRecord
from protocol.checkpoint import Checkpoint
from tests.vectors.witness_vectors import ORIGIN, TREE, head


def tree(size: int) -> Checkpoint:
    return Checkpoint(ORIGIN, size, TREE.roots[size])


def test_of_two_that_follow_the_same_tree_one_is_written(tmp_path: Path) -> None:
    record = WitnessRecord(tmp_path / "witness.db")
    assert record.latest(ORIGIN, "pin") is None
    assert record.advance("pin", 0, tree(3), head(3), 1)
    other = WitnessRecord(tmp_path / "witness.db")  # as another process would have it open

    def advance(size: int) -> bool:
        one = record if size % 2 else other
        return one.advance("pin", 3, tree(size), head(size), 2)

    with ThreadPoolExecutor(4) as threads:
        won = [size for size, done in zip(range(4, 10), threads.map(advance, range(4, 10)),
                                          strict=True) if done]  # fmt: skip
    assert len(won) == 1
    assert record.latest(ORIGIN, "pin") == (tree(won[0]), head(won[0]))
    assert not record.advance("pin", 0, tree(3), head(3), 3)
    assert record.latest(ORIGIN, "another pin") is None  # a partner that began anew
    assert record.advance("another pin", 0, tree(2), head(2), 3)
    assert record.latest(ORIGIN, "pin") == (tree(won[0]), head(won[0]))


def test_the_record_is_flushed_and_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "witness.db"
    WitnessRecord(path).advance("pin", 0, tree(3), head(3), 1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with WitnessRecord(path)._connection() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_record_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "witness.db"
    record = WitnessRecord(path)
    record.advance("pin", 0, tree(3), head(3), 1)
    with sqlite3.connect(path, isolation_level=None) as connection:
        connection.execute("CREATE TRIGGER no BEFORE UPDATE ON cosigned BEGIN "
                           "SELECT RAISE(ABORT, 'the disk is full'); END")  # fmt: skip
    with pytest.raises(LogUnavailable, match="the disk is full"):
        record.advance("pin", 3, tree(4), head(4), 2)
    assert record.latest(ORIGIN, "pin") == (tree(3), head(3))
    with pytest.raises(LogUnavailable):
        WitnessRecord(tmp_path / "nowhere" / "witness.db").latest(ORIGIN, "pin")


def test_a_file_from_before_it_had_a_number_is_brought_forward(tmp_path: Path) -> None:
    path = tmp_path / "witness.db"
    with closing(sqlite3.connect(path)) as former, former:
        former.execute(STEPS[0])  # the table, as that release made it
        row = (ORIGIN, "pin", 3, TREE.roots[3], head(3), 1)
        former.execute("INSERT INTO cosigned VALUES (?, ?, ?, ?, ?, ?)", row)
    record = WitnessRecord(path)
    assert record.latest(ORIGIN, "pin") == (tree(3), head(3))
    assert record.suspected() == []
    assert record.advance("pin", 3, tree(4), head(4), 2)
    with closing(sqlite3.connect(path)) as now:
        assert now.execute("PRAGMA application_id").fetchone() == (KIND,)
        assert now.execute("PRAGMA user_version").fetchone() == (len(STEPS),)


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ("PRAGMA user_version = 99", LogTooNew, "schema 99; this release knows"),
        ("PRAGMA application_id = 7", LogUnavailable, "something else"),
        ("PRAGMA application_id = 0", LogUnavailable, "something else"),
    ],
)
def test_a_file_of_a_later_release_or_another_kind_is_refused_untouched(
    tmp_path: Path, changes: str, error: type[Exception], says: str
) -> None:
    path = tmp_path / "witness.db"
    WitnessRecord(path).advance("pin", 0, tree(3), head(3), 1)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(changes)
    before = path.read_bytes()
    record = WitnessRecord(path)
    with pytest.raises(error, match=says):
        record.latest(ORIGIN, "pin")
    with pytest.raises(error, match=says):
        record.advance("pin", 3, tree(4), head(4), 2)
    with pytest.raises(error, match=says):
        record.suspected()
    assert path.read_bytes() == before
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(LogUnavailable, match="damaged"):
        WitnessRecord(path).latest(ORIGIN, "pin")


def test_the_newest_suspicion_of_each_organisation_is_kept_until_it_was_looked_into(
    tmp_path: Path,
) -> None:
    record = WitnessRecord(tmp_path / "witness.db")
    assert record.suspected() == []
    older, newer = (Suspected("lab.example", "pin", fork) for fork in (b"older", b"newer"))
    other = Suspected("bank.example", "pin", b"other")
    for each in (older, other, newer):
        record.suspect(each)
    record.tried(older)  # of the one before nothing more is noted
    record.forget(older)
    record.tried(newer)
    kept = {each.organisation: each for each in WitnessRecord(tmp_path / "witness.db").suspected()}
    assert kept == {"lab.example": replace(newer, attempts=1), "bank.example": other}
    record.forget(newer)
    assert record.suspected() == [other]
