"""Documents whose texts stay where they are: found by them, encoded anew from them, never kept."""

import hashlib
from pathlib import Path

from node.collections.bridge_sample import sample_by
from node.ingest.record import Record
from node.ingest.sources import SourceRules
from node.store import version_rows
from node.transfer.check import check
from node.transfer.export import write
from node.transfer.named_source import NamedSource
from node.transfer.opening import open_source
from node.transfer.records import records
from tests.node.collections.models import add_model
from tests.node.collections.rooms import opened, unseen
from tests.node.collections.test_collection import every_byte
from tests.node.collections.test_migration import ADMIN, Log, found
from tests.node.transfer.samples import head


def text(number: int) -> str:
    return f"paper number {number} about thing{number}"


async def test_a_bridge_is_learned_from_the_texts_that_can_be_read(tmp_path: Path) -> None:
    home, papers = tmp_path / "home", tmp_path / "papers"
    home.mkdir()
    papers.mkdir()
    for n in range(20):
        (papers / str(n)).write_text(text(n))
    by_uri = [Record(f"d{n}", f"line {n}", uri=f"file://{papers}/{n}") for n in range(20)]
    async with opened(home, rules=SourceRules(directories=(papers,))) as rooms:
        add_model(rooms.encoders, "old", 1)
        new = add_model(rooms.encoders, "new", 2)
        collection = await rooms.collections.create("papers", "old")
        await collection.ingest(by_uri, 20, unseen)
        (papers / "3").write_text("something else")
        (papers / "4").unlink()
        sources, encoder = collection.sources, rooms.encoders.get("new")
        serving = collection.serving
        sample = await sample_by(rooms.store, sources, serving, encoder, 100, unseen)
    assert len(sample.digests) == 18
    assert set(new.texts) == {text(n) for n in range(20) if n not in (3, 4)}


async def test_a_migration_reads_texts_again_and_names_those_that_changed(tmp_path: Path) -> None:
    home, papers = tmp_path / "home", tmp_path / "papers"
    home.mkdir()
    papers.mkdir()
    for n in range(30):
        (papers / str(n)).write_text(text(n))
    by_uri = [Record(f"d{n}", f"line {n}", uri=f"file://{papers}/{n}") for n in range(30)]
    async with opened(home, rules=SourceRules(directories=(papers,))) as rooms:
        old, new = add_model(rooms.encoders, "old", 1), add_model(rooms.encoders, "new", 2)
        collection = await rooms.collections.create("papers", "old")
        assert (await collection.ingest(by_uri, 30, unseen)).added == 30
        assert (await collection.ingest(by_uri, 30, unseen)).unchanged == 30
        await collection.ingest([Record("kept", "line", text="a text that is kept")], 1, unseen)
        assert b"about thing7" not in every_byte(home)
        assert await found(collection, collection.serving, old, text(7)) == "d7"
        with rooms.store.read() as db:
            assert version_rows.without_text(db, collection.key, 9) == (0, [])
            assert len(list(version_rows.by_uri(db, collection.key))) == 30

        (papers / "3").write_text("something else")
        (papers / "4").unlink()
        version = await collection.switching(Log().append).begin(
            rooms.encoders.get("new"), 0, ADMIN
        )
        left = await collection.backfill(version).run(unseen)
        assert set(left.refused) == {"d3", "d4"}
        assert "has changed since its document was ingested" in left.refused["d3"]
        assert await found(collection, version, new, text(8)) == "d8"
        changed = by_uri[3]
        assert (await collection.ingest([changed], 1, unseen)).updated == 1
        (papers / "4").write_text(text(4))
        left = await collection.backfill(version).run(unseen)
        assert (left.refused, version.coverage().missing) == ({}, 0)

        out = tmp_path / "out.npy"
        written = write(rooms.store, collection.serving.key, head(collection.envelope), out, unseen)
        written.finish()
        source = open_source(NamedSource(source=str(out)))
        assert check(source, collection.envelope, unseen).with_text == 1
        moved = {one.id: one for one in source.documents()}
        assert moved["d8"].source == hashlib.sha256(text(8).encode()).hexdigest()
        assert (moved["d8"].text, moved["d8"].encoded, moved["kept"].source) == (None, True, None)
        copy = await rooms.collections.create("copy", "old")
        await copy.ingest(records(source.documents(), copy.space_id), 31, unseen)
        with rooms.store.read() as db:
            assert len(list(version_rows.by_uri(db, copy.key))) == 30
