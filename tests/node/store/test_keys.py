"""Keys of rows that are written many at a time: none is used twice, whatever was deleted."""

from pathlib import Path

import numpy as np

from node.store import chunk_rows, document_rows
from node.store.document_rows import NewDocument
from tests.node.collections.rooms import vectors
from tests.node.index.source import make

NONE = frozenset[str]()


def document(name: str, digest: bytes = b"") -> NewDocument:
    return NewDocument(name, None, None, {"n": name}, NONE, digest)


def test_documents_keep_their_keys_and_no_key_comes_again(tmp_path: Path) -> None:
    source = make(tmp_path)
    collection = source.row.collection
    with source.store.write() as db:
        kept, gone = document_rows.put(
            db, collection, [document("a"), document("b")], [None, None], 1, 5, {}
        )
    with source.store.write() as db:
        document_rows.delete(db, [gone])
        again = document_rows.put(
            db,
            collection,
            [document("c"), document("a", b"new"), document("d")],
            [None, kept, None],
            2,
            6,
            {},
        )
        assert again == [gone + 1, kept, gone + 2]
        found = document_rows.find_many(db, collection, ["a", "b", "c", "d"])
    assert {name: row.key for name, row in found.items()} == {
        "c": gone + 1, "a": kept, "d": gone + 2,
    }  # fmt: skip
    assert (found["a"].digest, found["a"].added_at, found["a"].updated_at) == (b"new", 5, 6)
    source.store.close()


def test_chunks_of_several_documents_get_their_own_vectors_under_new_keys(tmp_path: Path) -> None:
    source, rows = make(tmp_path), vectors(5)
    version = source.row.key
    with source.store.write() as db:
        one, other, third = document_rows.put(
            db, source.row.collection, [document(n) for n in "abc"], [None] * 3, 1, 0, {}
        )
        pieces = [(one, [(0, 3), (2, 5)]), (other, []), (third, [(0, 1)])]
        keys = chunk_rows.insert(db, version, pieces, rows[:3])
        assert chunk_rows.delete_of(db, version, [third, one]) == keys
        later = chunk_rows.insert(db, version, [(one, [(0, 3), (2, 5)])], rows[3:])
        assert min(later) == max(keys) + 1
        spans, stored = chunk_rows.of_document(db, version, one, rows.shape[1])
    assert (spans, np.array_equal(stored, rows[3:])) == ([(0, 3), (2, 5)], True)
    source.store.close()
