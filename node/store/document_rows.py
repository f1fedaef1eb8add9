"""Rows of documents, each function within its caller's transaction."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson

from node.store.keys import next_key
from protocol.metadata_filter import Condition

KeyT = TypeVar("KeyT", int, str)

_MAX_VARIABLES = 500  # placeholders in one statement, well below SQLite's limit


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """One document as stored. `text` and `uri` are kept for the owner and never sent anywhere."""

    key: int
    external_id: str
    text: str | None
    uri: str | None
    metadata: Mapping[str, Any]
    labels: frozenset[str]
    digest: bytes
    added_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class NewDocument:
    """What is written for one document. `digest` covers its text and the vector given with it.

    `source`: SHA-256 of what `uri` gave, where the text is read from there and not kept.
    """

    external_id: str
    text: str | None
    uri: str | None
    metadata: Mapping[str, Any]
    labels: frozenset[str]
    digest: bytes
    source: bytes | None = None


_SELECT = """
    SELECT d.key, d.external_id, d.text, d.uri, d.metadata, l.labels, d.digest,
           d.added_at, d.updated_at
    FROM documents d JOIN label_sets l ON l.key = d.label_set
"""


def put(
    db: sqlite3.Connection,
    collection: int,
    documents: Sequence[NewDocument],
    known: Sequence[int | None],
    sequence: int,
    at: int,
    sets: dict[frozenset[str], int],
) -> list[int]:
    """Insert documents, and replace the fields of those whose keys are `known`; return all keys.

    A document keeps its key across updates. `sets`: see `label_set`. Raises IntegrityError where
    one is there that was not known.
    """
    following = next_key(db, "documents")
    keys, new, changed = list[int](), [], []
    for document, key in zip(documents, known, strict=True):
        fields = (
            document.text,
            document.uri,
            orjson.dumps(document.metadata, option=orjson.OPT_SORT_KEYS).decode(),
            label_set(db, document.labels, sets),
            document.digest,
            sequence,
            at,
            document.source,
        )
        if key is None:
            key, following = following, following + 1  # noqa: PLW2901 - the key that it gets
            new.append((key, collection, document.external_id, *fields, at))
        else:
            changed.append((*fields, key))
        keys.append(key)
    db.executemany(
        "INSERT INTO documents (key, collection, external_id, text, uri, metadata, label_set,"
        " digest, sequence, updated_at, source, added_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
        " ?)",
        new,
    )
    db.executemany(
        "UPDATE documents SET text = ?, uri = ?, metadata = ?, label_set = ?, digest = ?,"
        " sequence = ?, updated_at = ?, source = ? WHERE key = ?",
        changed,
    )
    return keys


def find_many(
    db: sqlite3.Connection, collection: int, external_ids: Iterable[str]
) -> dict[str, DocumentRow]:
    """Return those of the documents that exist, by external id."""
    found: dict[str, DocumentRow] = {}
    for some in _slices(list(external_ids)):
        marks = ",".join("?" * len(some))
        rows = db.execute(
            f"{_SELECT} WHERE d.collection = ? AND d.external_id IN ({marks})",
            (collection, *some),
        )
        found.update((row[1], _row(row)) for row in rows)
    return found


def find_by_key(db: sqlite3.Connection, collection: int, key: int) -> DocumentRow | None:
    """Return the collection's document of that internal key, or None."""
    row = db.execute(
        f"{_SELECT} WHERE d.collection = ? AND d.key = ?", (collection, key)
    ).fetchone()
    return _row(row) if row else None


def texts(db: sqlite3.Connection, collection: int, keys: Iterable[int]) -> dict[int, str]:
    """Return the texts of the collection's documents of these keys, of those that have one."""
    found: dict[int, str] = {}
    for some in _slices(sorted(set(keys))):
        marks = ",".join("?" * len(some))
        rows = db.execute(
            "SELECT key, text FROM documents WHERE collection = ? AND text IS NOT NULL"  # noqa: S608 - `marks` holds only question marks
            f" AND key IN ({marks})",
            (collection, *some),
        )
        found.update(rows)
    return found


def with_word_field(
    db: sqlite3.Connection, collection: int, field: str
) -> Iterator[tuple[str, str, str]]:
    """Yield external id, text, and the text in a metadata field, of documents that keep both."""
    yield from db.execute(
        "SELECT d.external_id, d.text, v.value FROM documents d, json_each(d.metadata) v"
        " WHERE d.collection = ? AND d.text IS NOT NULL AND d.source IS NULL"
        " AND v.key = ? AND v.type = 'text'",
        (collection, field),
    )


def elsewhere_with_word_field(
    db: sqlite3.Connection, collection: int, field: str
) -> list[tuple[str, str, bytes, str]]:
    """Return external id, URI, SHA-256 of what it gave, and the text in a metadata field.

    Of documents whose texts stay where they are.
    """
    rows = db.execute(
        "SELECT d.external_id, d.uri, d.source, v.value FROM documents d, json_each(d.metadata) v"
        " WHERE d.collection = ? AND d.source IS NOT NULL AND v.key = ? AND v.type = 'text'",
        (collection, field),
    )
    return rows.fetchall()


def external_ids(db: sqlite3.Connection, collection: int, keys: Iterable[int]) -> dict[int, str]:
    """Return the external ids of those of the collection's documents that are there."""
    found: dict[int, str] = {}
    for some in _slices(sorted(set(keys))):
        marks = ",".join("?" * len(some))
        rows = db.execute(
            f"SELECT key, external_id FROM documents WHERE collection = ? AND key IN ({marks})",  # noqa: S608 - `marks` holds only question marks
            (collection, *some),
        )
        found.update(rows)
    return found


def count(db: sqlite3.Connection, collection: int) -> int:
    """Return the number of documents in the collection."""
    row = db.execute(
        "SELECT count(*) FROM documents WHERE collection = ?", (collection,)
    ).fetchone()
    return int(row[0])


def count_labels(db: sqlite3.Connection, collection: int) -> dict[str, int]:
    """Return how many documents carry each label."""
    counts: dict[str, int] = {}
    for labels, documents in db.execute(
        "SELECT l.labels, count(*) FROM documents d JOIN label_sets l ON l.key = d.label_set"
        " WHERE d.collection = ? GROUP BY l.key",
        (collection,),
    ):
        for label in orjson.loads(labels):
            counts[label] = counts.get(label, 0) + documents
    return dict(sorted(counts.items()))


def count_visible(db: sqlite3.Connection, collection: int, visible: frozenset[str] | None) -> int:
    """Return how many documents carry at least one of the labels; None: all documents."""
    if visible is None:
        return count(db, collection)
    rows = db.execute(
        "SELECT l.labels, count(*) FROM documents d JOIN label_sets l ON l.key = d.label_set"
        " WHERE d.collection = ? GROUP BY l.key",
        (collection,),
    )
    return sum(n for labels, n in rows if not visible.isdisjoint(orjson.loads(labels)))


def matching(
    db: sqlite3.Connection, collection: int, conditions: Mapping[str, Condition]
) -> list[int]:
    """Return the keys of the documents whose metadata fulfil every condition, ascending.

    A field that holds a list fulfils a condition when one of its entries does.
    """
    parts, given = ["d.collection = ?"], list[int | str]([collection])
    for field, condition in conditions.items():
        test, wanted = _condition(condition)
        # json_each gives a scalar as one row and a list as one row an entry; an object, whose
        # members it would give too, has no place in a filter
        parts.append(
            "json_type(d.metadata, ?) <> 'object' AND EXISTS"  # noqa: S608 - `test` is this file's
            f" (SELECT 1 FROM json_each(d.metadata, ?) AS v WHERE {test})"
        )
        given += [f'$."{field}"'] * 2 + wanted
    rows = db.execute(
        f"SELECT d.key FROM documents d WHERE {' AND '.join(parts)} ORDER BY d.key",  # noqa: S608 - texts of this file; every value is bound
        given,
    )
    return [int(key) for (key,) in rows]


def _condition(condition: Condition) -> tuple[str, list[int | str]]:
    """A test of `v.value` and `v.atom`, and the values bound in it."""
    if condition.any_of is None:
        bounds = [("v.value >= ?", condition.least), ("v.value <= ?", condition.most)]
        given = [(test, bound) for test, bound in bounds if bound is not None]
        return " AND ".join(["v.type = 'integer'", *(test for test, _ in given)]), [
            bound for _, bound in given
        ]
    tests, wanted = [], list[int | str]()
    for kind, of in (("integer", int), ("text", str)):
        some = [value for value in condition.any_of if isinstance(value, of)]
        if some:
            tests.append(f"(v.type = '{kind}' AND v.value IN ({','.join('?' * len(some))}))")
            wanted += some
    return f"({' OR '.join(tests)})", wanted


def delete(db: sqlite3.Connection, keys: Iterable[int]) -> None:
    """Delete the documents with their chunks and vectors."""
    db.executemany("DELETE FROM documents WHERE key = ?", ((key,) for key in keys))


def label_set(
    db: sqlite3.Connection, labels: frozenset[str], known: dict[frozenset[str], int] | None = None
) -> int:
    """Return the key of this set of labels, stored once however many documents carry it.

    `known` keeps what was found within one transaction: documents that come together mostly carry
    the same labels.
    """
    if known is not None and labels in known:
        return known[labels]
    key = _label_set(db, labels)
    if known is not None:
        known[labels] = key
    return key


def _label_set(db: sqlite3.Connection, labels: frozenset[str]) -> int:
    text = orjson.dumps(sorted(labels)).decode()
    row = db.execute("SELECT key FROM label_sets WHERE labels = ?", (text,)).fetchone()
    if row is None:
        row = db.execute(
            "INSERT INTO label_sets (labels) VALUES (?) RETURNING key", (text,)
        ).fetchone()
    return int(row[0])


def label_sets(db: sqlite3.Connection) -> dict[int, frozenset[str]]:
    """Return every set of labels by its key."""
    rows = db.execute("SELECT key, labels FROM label_sets")
    return {key: frozenset(orjson.loads(labels)) for key, labels in rows}


def _slices(ids: list[KeyT]) -> Iterator[list[KeyT]]:
    for first in range(0, len(ids), _MAX_VARIABLES):
        yield ids[first : first + _MAX_VARIABLES]


def _row(row: tuple[int, str, str | None, str | None, str, str, bytes, int, int]) -> DocumentRow:
    key, external_id, text, uri, metadata, labels, digest, added_at, updated_at = row
    return DocumentRow(
        key=key,
        external_id=external_id,
        text=text,
        uri=uri,
        metadata=orjson.loads(metadata),
        labels=frozenset(orjson.loads(labels)),
        digest=digest,
        added_at=added_at,
        updated_at=updated_at,
    )
