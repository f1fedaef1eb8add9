"""Erased means gone: keys, salts and words, from every file; the log goes on proving the same."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.audit.fsck import fsck
from node.audit.log import AuditLog
from node.content.content import KINDS, Content
from node.content.record_store import Row
from node.content.retention import DAY_S, Retention
from node.content.selection import Selection, portions, within
from node.operations.registry import silent
from protocol.leaf import Erased, decode_leaf
from protocol.tlog_proof import verify_receipt
from tests.node.audit.entries import ORIGIN
from tests.node.content.kept import PEER, every_byte, keeping, payload, question
from tests.protocol.leaf_samples import AT


def erasures_in(log: AuditLog) -> list[Erased]:
    leaves = (decode_leaf(log.receipt(index).leaf) for index in range(log.size()))
    return [leaf for leaf in leaves if isinstance(leaf, Erased)]


def only(index: int) -> Selection:
    return Selection(indexes=frozenset({index}))


async def test_an_erased_record_is_gone_from_every_file_and_every_proof_holds(
    tmp_path: Path,
) -> None:
    async with keeping(tmp_path) as kept:
        for number in range(5):
            await kept.answer(number)
        before = [kept.log.receipt(index) for index in range(5)]
        (key,) = kept.wrapped(2)
        assert key in every_byte(tmp_path)
        assert await kept.erasures.count(only(2)) == {"answered": 1}
        done = await kept.erasures.erase(only(2), "record", "operator")
        assert (done.records, done.waits) == ({"answered": 1}, None)
        assert key not in every_byte(tmp_path)
        (leaf,) = erasures_in(kept.log)
        assert (leaf.records, leaf.ranges, leaf.basis) == ({"answered": 1}, ((2, 3),), "record")
        assert leaf.by == "operator"
        for receipt in before:
            verify_receipt(receipt.leaf, receipt.proof, kept.log.verifier_key, ORIGIN)
            assert kept.log.receipt(receipt.index).leaf == receipt.leaf
        assert kept.read(2) == []
        assert kept.read(1) == [Content("answered", question(1), payload(1))]
        gone, there = (kept.log.idempotent(PEER, f"key-{n}", AT) for n in (2, 1))
        assert gone is not None
        assert gone.payload is None
        assert there is not None
        assert there.payload == payload(1)
        again = await kept.erasures.erase(only(2), "record", "operator")
        assert (again.records, again.leaves) == ({}, [])  # and no second leaf
    assert not fsck(tmp_path / "log.db", silent).findings


async def test_erased_is_not_said_while_another_reader_keeps_old_pages(tmp_path: Path) -> None:
    async with keeping(tmp_path) as kept:
        for number in range(3):
            await kept.answer(number)
        (key,) = kept.wrapped(1)
        with closing(sqlite3.connect(tmp_path / "content_keys.db", isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM keys").fetchone()
            done = await kept.erasures.erase(only(1), "record", None)
            assert done.waits is not None
            assert done.leaves == []
            assert kept.read(1) == []  # nobody reads it through this node any more
            assert key in every_byte(tmp_path)
            assert erasures_in(kept.log) == []
            assert kept.erasures.unfinished() == 1
        finished = await kept.erasures.finish()
        assert (finished.waits, len(finished.leaves)) == (None, 1)
        assert key not in every_byte(tmp_path)
        assert [leaf.ranges for leaf in erasures_in(kept.log)] == [((1, 2),)]


@pytest.mark.parametrize("reached", ["keys", "leaf"])
async def test_an_erasure_that_was_killed_is_finished_with_one_leaf(
    tmp_path: Path, reached: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with keeping(tmp_path) as kept:
        for number in range(3):
            await kept.answer(number)
        (key,) = kept.wrapped(1)
        if reached == "keys":  # killed after the keys were deleted and before anything else
            monkeypatch.setattr(kept.contents.records, "delete", lambda _: None)
            kept.erasures._delete(only(1), "record", None)
        else:  # killed after the leaf was appended and before the note was removed
            monkeypatch.setattr(kept.contents.keys, "finished", lambda _: None)
            await kept.erasures.erase(only(1), "record", None)
    async with keeping(tmp_path) as again:
        assert again.erasures.unfinished() == 1
        await again.erasures.finish()
        assert again.erasures.unfinished() == 0
        assert len(erasures_in(again.log)) == 1
        assert again.contents.records.counts() == {"answered": 2}
        assert again.read(1) == []
        assert key not in every_byte(tmp_path)


async def test_a_copy_of_the_keys_from_before_an_erasure_is_brought_up_to_the_log(
    tmp_path: Path,
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    async with keeping(tmp_path) as kept:
        for number in range(4):
            await kept.answer(number)
        (key,) = kept.wrapped(2)
    for name in ("content.db", "content_keys.db"):
        shutil.copy(tmp_path / name, copy)
    async with keeping(tmp_path) as kept:
        await kept.erasures.erase(only(2), "record", None)
        assert key not in every_byte(tmp_path)
    for name in ("content.db", "content_keys.db"):
        shutil.copy(copy / name, tmp_path)
    async with keeping(tmp_path) as again:
        again.contents.open()
        assert again.read(2) == []
        assert again.read(3) != []
        assert key not in every_byte(tmp_path)


async def test_old_keys_that_somebody_reads_are_not_called_erased_when_they_are_put_back(
    tmp_path: Path,
) -> None:
    async with keeping(tmp_path) as kept:
        for number in range(3):
            await kept.answer(number)
        (key,) = kept.wrapped(1)
    keys_file = tmp_path / "content_keys.db"
    copy = keys_file.read_bytes()
    async with keeping(tmp_path) as kept:
        await kept.erasures.erase(only(1), "record", None)
    keys_file.write_bytes(copy)
    with closing(sqlite3.connect(keys_file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM keys").fetchone()
        async with keeping(tmp_path) as again:
            again.contents.open()
            assert again.read(1) == []
            assert key in every_byte(tmp_path)
            assert again.erasures.unfinished() == 1
            assert (await again.erasures.erase(only(9), "record", None)).waits is not None
    async with keeping(tmp_path) as later:  # also after another start
        assert later.erasures.unfinished() == 1
        finished = await later.erasures.finish()
        assert (finished.waits, finished.leaves) == (None, [])
        assert later.erasures.unfinished() == 0
        assert key not in every_byte(tmp_path)
        assert len(erasures_in(later.log)) == 1


async def test_rules_by_age_erase_each_kind_at_its_time(tmp_path: Path) -> None:
    async with keeping(tmp_path) as kept:
        await asyncio.gather(*(kept.answer(number) for number in range(3)))
    for at, days, left in ((AT + DAY_S - 9, 0, 3), (AT + DAY_S + 9, 2, 3), (AT + DAY_S + 9, 0, 0)):
        async with keeping(tmp_path, at=at) as kept:
            days_of = dict.fromkeys(KINDS, days)
            retention = Retention(kept.contents, kept.erasures, days_of, partial(int, at))
            assert bool(retention.overdue()) == (left == 0)
            await retention.run()
            assert kept.contents.records.counts().get("answered", 0) == left
            assert len(erasures_in(kept.log)) == (left == 0)
            assert (retention.ran, retention.overdue()) == (at, {})


rows_of = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from(KINDS), st.booleans()), max_size=60
)


@given(rows_of, st.frozensets(st.integers(0, 40)))
def test_a_leafs_ranges_name_what_was_selected_and_nothing_else(
    found: list[tuple[int, str, bool]], meant: frozenset[int]
) -> None:
    ordered = sorted(found, key=lambda each: each[0])
    rows = [Row(slot, idx, kind, PEER, 0) for slot, (idx, kind, _) in enumerate(ordered)]
    chosen = [row.slot for row in rows if row.idx in meant]
    named = list(portions(rows, Selection(indexes=meant)))
    assert [slot for portion in named for slot in portion.slots] == chosen
    for portion in named:
        again = [row for row in rows if row.kind in portion.records]
        assert within(again, portion.ranges) == portion.slots
        places = [place for one in portion.ranges for place in one]
        assert places == sorted(places)


async def test_keys_alone_that_are_put_back_from_before_an_erasure_give_no_answer_again(
    tmp_path: Path,
) -> None:
    """The record is gone from content.db then, so nothing names the key but the stored answer."""
    async with keeping(tmp_path) as kept:
        for number in range(3):
            await kept.answer(number)
    async with keeping(tmp_path) as kept:  # so that the keys' file says how far it was swept
        kept.contents.open()
        (key,) = kept.wrapped(1)
    copy = (tmp_path / "content_keys.db").read_bytes()
    async with keeping(tmp_path) as kept:
        await kept.erasures.erase(only(1), "record", None)
    (tmp_path / "content_keys.db").write_bytes(copy)
    async with keeping(tmp_path) as again:
        answer = again.log.idempotent(PEER, "key-1", AT)
        assert answer is not None
        assert answer.payload is None
        there = again.log.idempotent(PEER, "key-2", AT)
        assert there is not None
        assert there.payload == payload(2)
        assert key not in every_byte(tmp_path)


async def test_an_answer_whose_record_could_not_be_written_is_erased_with_the_others(
    tmp_path: Path,
) -> None:
    """Where content.db was full or too many waited, the answer in log.db is all that there is."""
    async with keeping(tmp_path) as kept:
        await kept.answer(0)
        kept.contents.writer.flush()
        with closing(sqlite3.connect(tmp_path / "content.db", isolation_level=None)) as db:
            db.execute("CREATE TRIGGER no BEFORE INSERT ON records BEGIN "
                       "SELECT RAISE(ABORT, 'the disk is full'); END")  # fmt: skip
            await kept.answer(1)
            kept.contents.writer.flush()
            assert kept.contents.lost == 1
            db.execute("DROP TRIGGER no")
        done = await kept.erasures.erase(only(1), "record", None)
        assert done.records == {"answered": 1}
        answer = kept.log.idempotent(PEER, "key-1", AT)
        assert answer is not None
        assert answer.payload is None
        assert kept.read(0) != []
