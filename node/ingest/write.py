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
from node.ingest.record import Record
from node.store import chunk_rows, document_rows
from node.store.chunk_rows import Pieces
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
    """The chunks of one version that a transaction writes; n of them, of some documents.

    `replaced`: documents whose former chunks go; `names`: the label sets of the new ones.
    """

    replaced: list[int] = field(default_factory=list)
    pieces: list[Pieces] = field(default_factory=list)
    label_sets: list[int] = field(default_factory=list)
    vectors: list[FloatArray] = field(default_factory=list)
    names: dict[int, frozenset[str]] = field(default_factory=dict)

    def add(
        self, pieces: Pieces, vectors: FloatArray, label_set: int, labels: frozenset[str]
    ) -> None:
        """Note what one document gets."""
        self.names[label_set] = labels
        self.pieces.append(pieces)
        self.label_sets.append(label_set)
        self.vectors.append(vectors)

    def write(self, db: Connection, version: int, nearness: Nearness) -> Change:
        """Write all of it; return what the version's index must show."""
        gone = chunk_rows.delete_of(db, version, self.replaced) if self.replaced else []
        removed = np.array(gone, dtype=np.int64)
        lengths = [len(spans) for _, spans in self.pieces]
        if not any(lengths):
            return Change(removed, None, self.names)
        vectors = np.concatenate(self.vectors)
        keys = chunk_rows.insert(db, version, self.pieces, vectors)
        documents = np.array([document for document, _ in self.pieces], dtype=np.int64)
        added = Segment(
            np.array(keys, dtype=np.int64),
            np.repeat(documents, lengths),
            np.repeat(np.array(self.label_sets, dtype=np.int32), lengths),
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
    batch = [item.planned for item in targets[0].batch]
    written = [planned for planned in batch if planned.step is not Step.NOTHING]
    known = [None if planned.known is None else planned.known.key for planned in written]
    sets = dict[frozenset[str], int]()
    new = [_new(planned.record) for planned in written]
    keys = document_rows.put(db, collection, new, known, sequence, at, sets)
    changes = [_written(db, target, keys, sets) for target in targets]
    chunks = sum(len(change.added) for change in changes if change.added is not None)
    added = known.count(None)
    return changes, Counts(added, len(written) - added, len(batch) - len(written), chunks)


def _new(record: Record) -> NewDocument:
    text = record.text if record.source is None else None  # else it stays where it is
    return NewDocument(
        record.id, text, record.uri, record.metadata, record.labels, record.digest, record.source
    )


def _written(
    db: Connection, target: Target, keys: Sequence[int], sets: dict[frozenset[str], int]
) -> Change:
    """Put the items' vectors, or on other labels the stored ones, under new chunk keys.

    `keys` are those of the documents that are written. Rows of an index never change; other labels
    therefore mean other rows.
    """
    rows = Rows()
    written = (item for item in target.batch if item.planned.step is not Step.NOTHING)
    for item, key in zip(written, keys, strict=True):
        planned, spans, vectors = item.planned, item.spans, item.vectors
        if planned.step is Step.FIELDS:
            continue
        if planned.step is Step.LABELS:
            dimension = target.nearness.dimension
            spans, vectors = chunk_rows.of_document(db, target.version, key, dimension)
        if planned.known is not None:
            rows.replaced.append(key)
        labels = planned.record.labels
        rows.add((key, spans), vectors, document_rows.label_set(db, labels, sets), labels)
    return rows.write(db, target.version, target.nearness)
