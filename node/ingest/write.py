"""Writing one prepared batch: documents, vectors and the indexes' changes from one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from sqlite3 import Connection

import numpy as np

from node.encoders.encoder import FloatArray
from node.index.segment import Segment
from node.index.similarity import Nearness
from node.index.view import Change
from node.ingest.plan import Step
from node.ingest.prepare import Prepared
from node.store import chunk_rows, document_rows
from node.store.document_rows import NewDocument


@dataclass(frozen=True, slots=True)
class Counts:
    """What happened to the records of a batch or a file; `chunks` counts the vectors written."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    chunks: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.added + other.added,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.chunks + other.chunks,
        )


@dataclass(slots=True)
class Rows:
    """The chunks of one version written and removed so far."""

    removed: list[int] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    documents: list[int] = field(default_factory=list)
    label_sets: list[int] = field(default_factory=list)
    vectors: list[FloatArray] = field(default_factory=list)
    names: dict[int, frozenset[str]] = field(default_factory=dict)

    def add(
        self,
        keys: list[int],
        document: int,
        label_set: int,
        labels: frozenset[str],
        vectors: FloatArray,
    ) -> None:
        """Note the written chunks of one document."""
        self.names[label_set] = labels
        self.keys += keys
        self.documents += [document] * len(keys)
        self.label_sets += [label_set] * len(keys)
        self.vectors.append(vectors)

    def change(self, nearness: Nearness) -> Change:
        """Return what the version's index must show."""
        removed = np.array(self.removed, dtype=np.int64)
        if not self.keys:
            return Change(removed, None, self.names)
        vectors = np.concatenate(self.vectors)
        added = Segment(
            np.array(self.keys, dtype=np.int64),
            np.array(self.documents, dtype=np.int64),
            np.array(self.label_sets, dtype=np.int32),
            vectors,
            nearness.norms(vectors),
        )
        return Change(removed, added, self.names)


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """One version that a batch is written to, with the batch's vectors in its space."""

    version: int
    nearness: Nearness
    batch: list[Prepared]


def write(
    db: Connection, collection: int, targets: Sequence[Target], sequence: int, at: int
) -> tuple[list[Change], Counts]:
    """Write the batch in the caller's transaction; return what each index must show after it.

    All targets have the same records in the same order.
    """
    rows = [Rows() for _ in targets]
    counts = Counts()
    sets = dict[frozenset[str], int]()
    for items in zip(*(target.batch for target in targets), strict=True):
        step = items[0].planned.step
        if step is Step.NOTHING:
            counts += Counts(unchanged=1)
            continue
        document = document_rows.upsert(db, collection, _new(items[0]), sequence, at, sets)
        if step is not Step.FIELDS:
            for target, item, own in zip(targets, items, rows, strict=True):
                _replace_chunks(db, target, document, item, own, sets)
        counts += Counts(added=1) if step is Step.NEW else Counts(updated=1)
    changes = [own.change(target.nearness) for target, own in zip(targets, rows, strict=True)]
    return changes, counts + Counts(chunks=sum(len(own.keys) for own in rows))


def _new(item: Prepared) -> NewDocument:
    record = item.planned.record
    text = record.text if record.source is None else None  # else it stays where it is
    return NewDocument(
        record.id, text, record.uri, record.metadata, record.labels, record.digest, record.source
    )


def _replace_chunks(
    db: Connection,
    target: Target,
    document: int,
    item: Prepared,
    rows: Rows,
    sets: dict[frozenset[str], int],
) -> None:
    """Put the item's vectors, or on other labels the stored ones, under new chunk keys.

    Rows of an index never change; other labels therefore mean other rows.
    """
    version = target.version
    spans, vectors = item.spans, item.vectors
    if item.planned.step is Step.LABELS:
        spans, vectors = chunk_rows.of_document(db, version, document, target.nearness.dimension)
    if item.planned.known is not None:
        rows.removed += chunk_rows.keys_of(db, version, document)
        chunk_rows.delete_of(db, version, document)
    keys = chunk_rows.insert(db, version, document, spans, vectors)
    labels = item.planned.record.labels
    label_set = document_rows.label_set(db, labels, sets)
    rows.add(keys, document, label_set, labels, vectors)
