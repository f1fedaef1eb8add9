"""Another model for a collection: documents are right in every version, whatever comes between."""

import asyncio
import random
import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest

from node.collections.collection import Collection
from node.collections.errors import VersionIncomplete, VersionNotFit
from node.collections.switching import AppendLeaf, Reason, log_missing
from node.collections.version import Version
from node.encoders.errors import EncoderFailed
from node.index.located import Located
from node.ingest.errors import BadRecord
from node.ingest.record import Record
from node.store import chunk_rows, version_rows
from node.store.store import Store
from node.store.switch_rows import Switch
from node.store.version_rows import VersionRow
from tests.node.collections.migrator import COUNT, run_and_kill, text
from tests.node.collections.models import Words, add_model
from tests.node.collections.rooms import Rooms, opened, unseen
from tests.node.collections.test_collection import every_byte

ADMIN = Reason("admin")

KILLED_WITHIN_S = 0.02
"""Of a step: about as long as a batch takes."""


class Log:
    """Leaves in the order in which they were appended; `refuses` the next one."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self.refuses = False
        self.before: Callable[[], Awaitable[None]] | None = None

    @property
    def append(self) -> AppendLeaf:
        async def append(
            switch: Switch, row: VersionRow, documents: int, guard: Callable[[], None]
        ) -> None:
            del documents
            if self.before is not None:
                await self.before()
            if self.refuses:
                raise OSError("the disk is full")
            guard()
            self.events.append((switch.event, row.version))

        return append


def documents(first: int, last: int, edition: int = 0) -> list[Record]:
    return [Record(f"d{n}", f"line {n}", text=text(n, edition)) for n in range(first, last)]


def require_right(rooms: Rooms, collection: Collection, version: Version, model: Words) -> None:
    """Every document has exactly its own text's vector by the version's model, and no others do."""
    with rooms.store.read() as db:
        rows = db.execute(
            "SELECT d.text, c.vector FROM documents d LEFT JOIN chunks c"
            " ON c.document = d.key AND c.version = ? WHERE d.collection = ?",
            (version.key, collection.key),
        ).fetchall()
        stored = len(chunk_rows.live(db, version.key).keys)
    assert stored == len(rows) == collection.documents
    for words, vector in rows:
        np.testing.assert_allclose(np.frombuffer(vector, "<f4"), model.see(words), atol=1e-6)


async def both(rooms: Rooms, count: int = 300) -> tuple[Collection, Words, Words]:
    """A collection served by `old`, and a model that it may change to."""
    old, new = add_model(rooms.encoders, "old", 1), add_model(rooms.encoders, "new", 2)
    collection = await rooms.collections.create("papers", "old")
    await collection.ingest(documents(0, count), count, unseen)
    return collection, old, new


async def found(collection: Collection, version: Version, model: Words, words: str) -> str | None:
    asked = Located(version.space_id, model.see(words)[None])
    [[best]] = await version.search(asked, 1, None)
    return collection.external_id(best.key)


async def test_what_comes_while_a_version_is_built_is_right_in_both(tmp_path: Path) -> None:
    async with opened(tmp_path) as rooms:
        collection, old, new = await both(rooms)
        log = Log()
        switching = collection.switching(log.append)
        keys = {name: row.key for name, row in collection.find(["d0", "d250"]).items()}
        version = await switching.begin(rooms.encoders.get("new"), 0, ADMIN)
        with pytest.raises(VersionIncomplete):
            await switching.cut_over(version, ADMIN)
        changes = [
            collection.ingest(documents(290, 320), None, unseen),
            collection.ingest(documents(0, 40, edition=1), None, unseen),
            collection.delete([f"d{n}" for n in range(40, 60)]),
            collection.ingest(documents(250, 280, edition=2), None, unseen),
            collection.ingest(documents(45, 50, edition=3), None, unseen),
        ]
        job = collection.backfill(version)
        await asyncio.gather(job.run(unseen), *changes)
        await job.run(unseen)
        require_right(rooms, collection, collection.serving, old)
        require_right(rooms, collection, version, new)
        assert version.coverage().missing == 0
        await switching.complete(version, ADMIN)
        former = collection.serving
        await switching.cut_over(version, ADMIN)
        assert (collection.version, collection.encoder.name) == (version.name, "new")
        assert await found(collection, version, new, text(300)) == "d300"
        assert {n: row.key for n, row in collection.find(["d0", "d250"]).items()} == keys
        await collection.ingest(documents(400, 410), None, unseen)  # the former one is kept right
        require_right(rooms, collection, former, old)
        assert await switching.roll_back(ADMIN) is former
        assert await found(collection, collection.serving, old, text(405)) == "d405"
        assert [event for event, _ in log.events] == [
            "migration-begun", "complete", "cutover", "rollback",
        ]  # fmt: skip


async def test_a_model_that_fails_stops_neither_ingestion_nor_the_end(tmp_path: Path) -> None:
    async with opened(tmp_path) as rooms:
        collection, old, new = await both(rooms, 80)
        version = await collection.switching(Log().append).begin(
            rooms.encoders.get("new"), 0, ADMIN
        )
        new.fails = True
        with pytest.raises(EncoderFailed):
            await collection.backfill(version).run(unseen)
        await collection.ingest(documents(0, 20, edition=1), None, unseen)
        require_right(rooms, collection, collection.serving, old)
        assert version.coverage().covered == 0
        new.fails = False
        await collection.backfill(version).run(unseen)
        require_right(rooms, collection, version, new)


async def test_a_change_without_its_leaf_did_not_happen(tmp_path: Path) -> None:
    async with opened(tmp_path) as rooms:
        collection, _, _ = await both(rooms, 5)
        log, before = Log(), collection.standing
        switching = collection.switching(log.append)
        log.refuses = True
        with pytest.raises(OSError, match="full"):
            await switching.begin(rooms.encoders.get("new"), 0, ADMIN)
        assert collection.standing is before
        log.refuses = False
        version = await switching.begin(rooms.encoders.get("new"), 0, ADMIN)
        await collection.backfill(version).run(unseen)
        await switching.complete(version, ADMIN)
        log.refuses = True
        for refused in (switching.cut_over, switching.retire):
            with pytest.raises(OSError, match="full"):
                await refused(version, ADMIN)
            assert collection.standing.kept == [before.serving, version]
            assert collection.serving is before.serving
    async with opened(tmp_path) as rooms:
        assert rooms.collections.get("papers").version == before.serving.name
        with rooms.store.read() as db:
            assert [r.state for r in version_rows.all_rows(db)] == ["serving", "shadow"]


async def test_a_crash_before_the_leaf_leaves_one_that_is_appended_at_the_start(
    tmp_path: Path,
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    async with opened(tmp_path) as rooms:
        collection, _, _ = await both(rooms, 5)
        log = Log()
        switching = collection.switching(log.append)
        version = await switching.begin(rooms.encoders.get("new"), 0, ADMIN)
        await collection.backfill(version).run(unseen)

        async def crash() -> None:
            for name in ("store.db", "store.db-wal"):  # what a kill would leave at this moment
                shutil.copy(tmp_path / name, copy)

        log.before = crash
        await switching.cut_over(version, ADMIN)
    async with opened(copy) as rooms:
        assert rooms.collections.get("papers").version == version.name
        appended = Log()
        for _ in range(2):
            await log_missing(rooms.store, appended.append)
        assert appended.events == [("cutover", version.name)]


async def test_a_retired_version_leaves_no_vector_and_no_file(tmp_path: Path) -> None:
    async with opened(tmp_path) as rooms:
        collection, old, _ = await both(rooms)
        switching = collection.switching(Log().append)
        former = collection.serving
        version = await switching.begin(rooms.encoders.get("new"), 0, ADMIN)
        await collection.backfill(version).run(unseen)
        await collection.settle(unseen)
        with pytest.raises(VersionNotFit):
            await switching.retire(former, ADMIN)
        await switching.cut_over(version, ADMIN)
        await switching.retire(former, ADMIN)
        with pytest.raises(VersionNotFit):
            await switching.roll_back(ADMIN)
        stems = {path.name.partition("-")[0] for path in (tmp_path / "indexes").iterdir()}
        assert stems == {version.name, f"{version.name}.json"}
        with rooms.store.read() as db:
            assert not len(chunk_rows.live(db, former.key).keys)
        await rooms.encoders.remove("old")
        await collection.compact(unseen)
        secret = old.see(text(7)).tobytes()
    assert secret not in every_byte(tmp_path)


async def test_vectors_that_come_along_must_say_whose_they_are_after_a_switch(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as rooms:
        collection, old, new = await both(rooms, 3)
        switching = collection.switching(Log().append)
        version = await switching.begin(rooms.encoders.get("new"), 0, ADMIN)
        await collection.backfill(version).run(unseen)
        await switching.cut_over(version, ADMIN)
        stale = Record("x", "line 1", vector=old.see("alpha"))
        for space in (None, collection.standing.kept[0].space_id):
            with pytest.raises(BadRecord, match="not said to be"):
                await collection.ingest(
                    [Record("x", "line 1", vector=stale.vector, space=space)], 1, unseen
                )
        good = Record("x", "line 1", vector=new.see("alpha"), space=version.space_id)
        await collection.ingest([good], 1, unseen)
        assert await found(collection, version, new, "alpha") == "x"


def stored(directory: Path) -> int:
    """How many documents have vectors in the new version, as SQLite itself says."""
    with sqlite3.connect(directory / "store.db") as db:
        (done,) = db.execute("SELECT count(*) FROM chunks WHERE version = 2").fetchone()
    return int(done)


async def test_killed_at_ten_moments_it_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    chance, done = random.Random(7), [0]  # noqa: S311 - chooses the moments of the kills
    for _ in range(10):
        moment = chance.randrange(2), chance.uniform(0, KILLED_WITHIN_S)
        await asyncio.to_thread(run_and_kill, tmp_path, *moment)
        done.append(stored(tmp_path))
    assert done == sorted(done)
    assert len(set(done)) > 2
    async with opened(tmp_path) as rooms:
        old, new = add_model(rooms.encoders, "old", 1), add_model(rooms.encoders, "new", 2)
        collection = rooms.collections.get("papers")
        (version,) = collection.standing.aside
        await collection.backfill(version).run(unseen)
        assert len(new.texts) == COUNT - done[-1]
        require_right(rooms, collection, version, new)
        require_right(rooms, collection, collection.serving, old)
    check = Store.open(tmp_path / "store.db")
    with check.read() as db:
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    check.close()
