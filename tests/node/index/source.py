"""A store with one collection, filled directly, for tests of its index."""

from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection

import numpy as np
import numpy.typing as npt

from node.index.collection_index import CollectionIndex
from node.index.segment import Segment
from node.index.settings import IndexSettings
from node.index.view import Change
from node.store import chunk_rows, collection_rows, document_rows, version_rows
from node.store.document_rows import NewDocument
from node.store.schema import MIGRATIONS
from node.store.store import Store
from node.store.version_rows import VersionRow
from tests.node.collections.rooms import SMALL, envelope

FloatArray = npt.NDArray[np.float32]


@dataclass
class Source:
    """The store and its collection; `put` and `remove` change it through an index."""

    store: Store
    row: VersionRow
    directory: Path
    settings: IndexSettings = SMALL

    def index(self) -> CollectionIndex:
        """Open the index as a node does that starts."""
        return CollectionIndex(self.store, self.row, self.directory, self.settings)

    def put(
        self,
        index: CollectionIndex,
        vectors: FloatArray,
        labels: list[frozenset[str]] | None = None,
        chunks: int = 1,
    ) -> list[int]:
        """Add documents of `chunks` rows each; return their keys."""

        def work(db: Connection, sequence: int) -> tuple[Change, list[int]]:
            keys: list[int] = []
            documents: list[int] = []
            sets: list[int] = []
            names = {}
            for number, rows in enumerate(np.split(vectors, len(vectors) // chunks)):
                own = labels[number] if labels else frozenset({"all"})
                document = NewDocument(f"{sequence}-{number}", None, None, {}, own, b"")
                (key,) = document_rows.put(
                    db, self.row.collection, [document], [None], sequence, 0, {}
                )
                spans = [(0, 0)] * chunks
                keys += chunk_rows.insert(db, self.row.key, [(key, spans)], rows)
                documents += [key] * chunks
                label_set = document_rows.label_set(db, own)
                names[label_set] = own
                sets += [label_set] * chunks
            added = Segment(
                np.array(keys), np.array(documents), np.array(sets, "i4"), vectors,
                index.nearness.norms(vectors),
            )  # fmt: skip
            return Change(np.empty(0, "i8"), added, names), sorted(set(documents))

        return index.change(work)

    def remove(self, index: CollectionIndex, documents: list[int]) -> None:
        """Delete documents by key."""

        def work(db: Connection, sequence: int) -> tuple[Change, None]:
            del sequence
            removed = [
                key
                for document in documents
                for key in chunk_rows.keys_of(db, self.row.key, document)
            ]
            document_rows.delete(db, documents)
            return Change(np.array(removed, "i8"), None, {}), None

        index.change(work)


def make(path: Path, dimension: int = 16, settings: IndexSettings = SMALL) -> Source:
    """A fresh store in `path`."""
    store = Store.open(path / "store.db")
    store.migrate("data", MIGRATIONS)
    space = envelope(dimension=dimension)
    with store.write() as db:
        db.execute(
            "INSERT INTO encoders (name, kind, settings, envelope, added_at)"
            " VALUES ('e', 'caller', '{}', ?, 0)",
            (space.model_dump_json(),),
        )
        collection = collection_rows.insert(
            db, name="c", title="c", description="", language="", at=0
        )
        row = version_rows.insert(db, collection.key, "e", space, "serving", 0)
    (path / "indexes").mkdir()
    return Source(store, row, path / "indexes", settings)
