"""What exchanges said is kept sealed beside the log, and given only to whoever has its key."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from node.audit import schema
from node.audit.errors import LogUnavailable
from node.audit.fsck import fsck
from node.audit.log import AuditLog
from node.audit.schema_steps import STEPS
from node.content import key_store
from node.content.content import Content
from node.content.contents import ContentFiles, Contents
from node.content.database import open_database
from node.content.errors import ContentDamaged, ContentError
from node.operations.registry import silent
from tests.node.audit.entries import LOG_KEY, ORIGIN, event
from tests.node.content.kept import (
    CONTENT_KEY,
    PEER,
    contents_of,
    every_byte,
    keeping,
    payload,
    question,
)
from tests.protocol.leaf_samples import AT


async def test_what_was_said_is_read_again_and_lies_readable_nowhere(tmp_path: Path) -> None:
    async with keeping(tmp_path) as kept:
        for number in range(3):
            await kept.answer(number)
        await kept.log.append(event())
        assert kept.read(1) == [Content("answered", question(1), payload(1))]
        assert kept.read(3) == []
        kept.contents.writer.flush()
        while_open = every_byte(tmp_path)
    for stored in (while_open, every_byte(tmp_path)):
        assert b"what the person" not in stored
        assert payload(1) not in stored
        assert CONTENT_KEY not in stored
    async with keeping(tmp_path) as again:
        assert again.read(2) == [Content("answered", question(2), payload(2))]
        answer = again.log.idempotent(PEER, "key-2", AT)
        assert answer is not None
        assert answer.payload == payload(2)


def test_what_is_deleted_is_overwritten_at_once(tmp_path: Path) -> None:
    with closing(open_database(tmp_path / "any.db", 7, ("CREATE TABLE t (a);",), "FULL")) as opened:
        assert opened.execute("PRAGMA secure_delete").fetchone() == (1,)


def test_copies_of_deleted_keys_that_lie_in_free_space_go_when_the_file_is_emptied(
    tmp_path: Path,
) -> None:
    """A row that is deleted is overwritten where it is, and not where SQLite had moved it from."""
    store = key_store.KeyStore(tmp_path / "content_keys.db", lambda: bytes(32))
    for _ in range(3):
        store.make_block()
    with closing(sqlite3.connect(store.path)) as db:
        wrapped = dict(db.execute("SELECT slot, wrapped FROM keys"))
    alive, erased = sorted(wrapped), set[int]()
    for chosen in (slice(None, None, 2), slice(None, None, 3), slice(14, 89)):
        store.delete(alive[chosen])
        erased |= set(alive[chosen])
        alive = sorted(set(alive) - erased)
    assert store.compact()
    left = store.path.read_bytes()
    assert not [slot for slot in erased if wrapped[slot] in left]
    assert all(wrapped[slot] in left for slot in alive)
    store.close()


async def test_a_kind_that_is_not_kept_leaves_only_the_stored_answer(tmp_path: Path) -> None:
    async with keeping(tmp_path, kinds=()) as kept:
        await kept.answer(1)
        assert kept.read(0) == []
        answer = kept.log.idempotent(PEER, "key-1", AT)
        assert answer is not None
        assert answer.payload == payload(1)
    assert payload(1) not in every_byte(tmp_path)


async def test_keys_are_made_ahead_and_each_is_drawn_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_store, "FIRST_BLOCK", 4)
    monkeypatch.setattr(key_store, "LARGEST_BLOCK", 8)
    async with keeping(tmp_path) as kept:
        await asyncio.gather(*(kept.answer(number) for number in range(100)))
        kept.contents.writer.flush()
        rows = kept.contents.records.rows(("answered",), None)
    assert len({row.slot for row in rows}) == 100
    async with keeping(tmp_path) as again:  # what was not drawn is deleted; slots go on
        assert await again.answer(100) == 100
        assert again.read(100) == [Content("answered", question(100), payload(100))]
        slots = again.contents.keys.slots_after(0)
        assert {row.slot for row in rows} <= set(slots)
        assert len(slots) <= 100 + 8


async def test_a_record_cannot_be_put_in_the_place_of_another(tmp_path: Path) -> None:
    async with keeping(tmp_path) as kept:
        await kept.answer(0)
        await kept.answer(1)
        kept.contents.writer.flush()
        with closing(sqlite3.connect(tmp_path / "content.db", isolation_level=None)) as db:
            db.execute("UPDATE records SET idx = 1 - idx")
        assert kept.read(0) == kept.read(1) == []


async def test_an_answer_whose_record_was_not_written_keeps_its_key(tmp_path: Path) -> None:
    """A kill between the log's commit and the record: the leaf and its stored answer stand."""
    async with keeping(tmp_path) as kept:
        await kept.answer(0)
        kept.contents.writer.flush()
        kept.contents.records.delete(kept.contents.records.from_index(0))
    async with keeping(tmp_path) as again:
        answer = again.log.idempotent(PEER, "key-0", AT)
        assert answer is not None
        assert answer.payload == payload(0)
        assert again.read(0) == []
        assert again.contents.records.counts() == {"answered": 1}  # so that its key is erased too


async def test_content_without_its_leaf_is_removed(tmp_path: Path) -> None:
    older = tmp_path / "older"
    async with keeping(tmp_path) as kept:
        await kept.answer(0)
    older.mkdir()
    shutil.copy(tmp_path / "log.db", older)
    async with keeping(tmp_path) as kept:
        await kept.answer(1)
    for name in ("content.db", "content_keys.db"):
        shutil.copy(tmp_path / name, older)
    async with keeping(older) as kept:
        assert kept.contents.records.counts() == {"answered": 1}
        assert kept.read(0) == [Content("answered", question(0), payload(0))]


async def test_keys_of_another_log_or_another_content_key_are_refused(tmp_path: Path) -> None:
    async with keeping(tmp_path) as kept:
        await kept.answer(0)
    files = contents_of(tmp_path).files
    with pytest.raises(ContentDamaged, match="is not the key"):
        Contents(files, lambda: bytes(32), frozenset()).open()
    other = tmp_path / "other.db"
    log = AuditLog.open(other, LOG_KEY, "other.example/interlingua", lambda: AT)
    await log.close()
    moved = ContentFiles(files.keys, files.records, other)
    with pytest.raises(ContentDamaged, match="belongs to the log bank"):
        Contents(moved, lambda: CONTENT_KEY, frozenset()).open()


async def test_without_its_keys_a_stored_answer_is_gone_and_slots_are_not_used_again(
    tmp_path: Path,
) -> None:
    """A node that was restored: backups hold neither content nor its keys."""
    async with keeping(tmp_path) as kept:
        await kept.answer(0)
    for name in ("content.db", "content_keys.db"):
        (tmp_path / name).unlink()
    async with keeping(tmp_path) as again:
        answer = again.log.idempotent(PEER, "key-0", AT)
        assert answer is not None
        assert answer.payload is None
        await again.answer(1)
        answer = again.log.idempotent(PEER, "key-0", AT)
        assert answer is not None
        assert answer.payload is None
        assert again.read(1) == [Content("answered", question(1), payload(1))]


def test_stored_answers_that_lay_in_clear_are_gone_after_the_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        for step in STEPS[:6]:
            db.executescript(step)
        db.execute(f"PRAGMA application_id={schema.APPLICATION_ID}")
        db.execute("PRAGMA user_version=6")
        for number in range(200):
            db.execute(
                "INSERT INTO idempotency VALUES (?, ?, '', ?, 0, 9)",
                (PEER, str(number), b"readable until now %d " % number * 50),
            )
    assert b"readable until now" in every_byte(tmp_path)
    log = AuditLog.open(path, LOG_KEY, ORIGIN, lambda: AT)
    assert b"readable until now" not in every_byte(tmp_path)
    asyncio.run(log.close())
    assert not fsck(path, silent).findings


async def test_without_a_key_for_what_it_says_nothing_is_answered_until_keys_can_be_written(
    tmp_path: Path,
) -> None:
    async with keeping(tmp_path) as kept:
        await kept.answer(0)
        keys = kept.contents.keys
        with closing(sqlite3.connect(tmp_path / "content_keys.db", isolation_level=None)) as db:
            db.execute("CREATE TRIGGER no BEFORE INSERT ON keys BEGIN "
                       "SELECT RAISE(ABORT, 'the disk is full'); END")  # fmt: skip
            while not keys.is_low:
                keys.draw()
            with pytest.raises(ContentError):
                keys.refill()  # by this health sees it
            keys._ready.clear()
            with pytest.raises(LogUnavailable, match="the disk is full"):
                await kept.answer(1)
            assert kept.log.size() == 1
            db.execute("DROP TRIGGER no")
        keys.refill()
        assert await kept.answer(1) == 1
        assert kept.read(1) == [Content("answered", question(1), payload(1))]
