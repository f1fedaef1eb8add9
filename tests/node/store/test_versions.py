"""Stores of earlier releases: their collections keep everything, and each serves as it did."""

from pathlib import Path

from node.store import chunk_rows, version_rows
from node.store.schema import MIGRATIONS
from node.store.store import Store
from tests.node.collections.rooms import envelope, opened, search, vectors

BEFORE_STATES = 2
"""Entries of the schema in releases that knew one version a collection."""


async def test_a_store_from_before_versions_had_states_is_taken_over_whole(tmp_path: Path) -> None:
    rows = vectors(3)
    store = Store.open(tmp_path / "store.db")
    store.migrate("data", MIGRATIONS[:BEFORE_STATES])
    space = envelope()
    with store.write() as db:
        db.execute("INSERT INTO encoders VALUES ('old', 'caller', '{}', ?, 0)",
                   (space.model_dump_json(),))  # fmt: skip
        db.execute("INSERT INTO collections VALUES (1, 'papers', '', '', '', 7, 0)")
        db.execute("INSERT INTO versions VALUES (5, 1, 'old', ?, ?, 'active', 7)",
                   (space.model_dump_json(), space.space_id))  # fmt: skip
        db.execute("INSERT INTO label_sets VALUES (1, '[]')")
        for n in range(3):
            db.execute("INSERT INTO documents VALUES (?, 1, ?, NULL, NULL, '{}', 1, x'', 0, 0, 0)",
                       (n + 1, f"d{n}"))  # fmt: skip
            chunk_rows.insert(db, 5, [(n + 1, [(0, 0)])], rows[n : n + 1])
    store.close()
    async with opened(tmp_path) as rooms:
        collection = rooms.collections.get("papers")
        assert (collection.version, collection.encoder.name) == ("v5", "old")
        found = await search(collection, rows, 1)
        assert [collection.external_id(one.key) for (one,) in found] == ["d0", "d1", "d2"]
        with rooms.store.read() as db:
            assert [row.state for row in version_rows.all_rows(db)] == ["serving"]
