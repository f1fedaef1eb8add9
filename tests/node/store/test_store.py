"""store.db: migrations forward only, transactions whole or not at all, readers undisturbed."""

import sqlite3
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.store.errors import StoreDamaged, StoreTooNew, StoreUnwritable
from node.store.store import Store

FIRST = "CREATE TABLE notes (text TEXT NOT NULL) STRICT; CREATE INDEX n ON notes (text);"
SECOND = "ALTER TABLE notes ADD COLUMN at INTEGER;"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "store.db")
    yield store
    store.close()


def rows(store: Store) -> list[tuple[str]]:
    with store.read() as db:
        return db.execute("SELECT text FROM notes").fetchall()


def test_the_file_is_the_owners_only(store: Store) -> None:
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def test_each_migration_is_applied_once_also_after_reopening(tmp_path: Path) -> None:
    for migrations in ((FIRST,), (FIRST,), (FIRST, SECOND), (FIRST, SECOND)):
        store = Store.open(tmp_path / "store.db")
        store.migrate("notes", migrations)
        store.close()
    store = Store.open(tmp_path / "store.db")
    with store.write() as db:
        db.execute("INSERT INTO notes VALUES ('a', 1)")
    store.close()


def test_rooms_count_their_migrations_apart(store: Store) -> None:
    store.migrate("notes", (FIRST,))
    store.migrate("others", ("CREATE TABLE others (x INTEGER) STRICT",))
    with store.read() as db:
        versions = db.execute("SELECT room, version FROM schema_versions").fetchall()
    assert dict(versions) == {"notes": 1, "others": 1}


def test_a_failing_migration_leaves_nothing_behind(store: Store) -> None:
    with pytest.raises(sqlite3.OperationalError):
        store.migrate("notes", (FIRST + "CREATE TABLE broken (;",))
    store.migrate("notes", (FIRST,))
    assert rows(store) == []


def test_a_later_schema_is_refused(store: Store) -> None:
    store.migrate("notes", (FIRST, SECOND))
    with pytest.raises(StoreTooNew, match="this release knows 1"):
        store.migrate("notes", (FIRST,))


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to be one" * 100])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "store.db").write_bytes(content)
    with pytest.raises(StoreDamaged, match="cannot be read as a database"):
        Store.open(tmp_path / "store.db")


def test_a_transaction_that_fails_leaves_nothing_behind(store: Store) -> None:
    store.migrate("notes", (FIRST,))
    with pytest.raises(RuntimeError), store.write() as db:  # noqa: PT012 - the failure is the last step of the block
        db.execute("INSERT INTO notes VALUES ('half')")
        raise RuntimeError
    assert rows(store) == []


def test_a_reader_keeps_its_state_while_a_writer_commits(store: Store) -> None:
    store.migrate("notes", (FIRST,))
    with store.read() as before:
        assert before.execute("SELECT count(*) FROM notes").fetchone() == (0,)
        with store.write() as db:
            db.execute("INSERT INTO notes VALUES ('new')")
        assert rows(store) == [("new",)]
        assert before.execute("SELECT count(*) FROM notes").fetchone() == (0,)


def test_a_full_disk_is_named_and_what_was_kept_before_stays(store: Store) -> None:
    with store.write() as db:
        db.execute("CREATE TABLE t (x BLOB)")
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages + 1}")
    with (
        pytest.raises(StoreUnwritable, match=r"store\.db cannot be written: .*full") as refused,
        store.write() as db,
    ):
        db.execute("INSERT INTO t VALUES (zeroblob(100000))")
    assert "Make room" in refused.value.fix
    with store.read() as db:
        assert db.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_readers_cannot_write(store: Store) -> None:
    store.migrate("notes", (FIRST,))
    with store.read() as db, pytest.raises(sqlite3.OperationalError, match="readonly"):
        db.execute("INSERT INTO notes VALUES ('x')")


def test_writers_from_many_threads_take_turns(store: Store) -> None:
    store.migrate("notes", (FIRST,))

    def add() -> None:
        for _ in range(20):
            with store.write() as db:
                (count,) = db.execute("SELECT count(*) FROM notes").fetchone()
                db.execute("INSERT INTO notes VALUES (?)", (str(count),))
            assert rows(store)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(int(text) for (text,) in rows(store)) == list(range(80))


def test_closing_twice_is_no_error(store: Store) -> None:
    store.close()
    store.close()


def test_what_was_deleted_leaves_the_files(store: Store) -> None:
    store.migrate("notes", (FIRST,))
    with store.write() as db:
        db.executemany("INSERT INTO notes VALUES (?)", [(f"secret {n}",) for n in range(1_000)])
    with store.write() as db:
        db.execute("DELETE FROM notes")
    with store.read() as db:
        db.execute("SELECT * FROM notes").fetchall()
    assert store.vacuum()
    files = b"".join(path.read_bytes() for path in store.path.parent.iterdir())
    assert b"secret" not in files
