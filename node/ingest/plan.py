"""What a record means for the store: nothing, new fields, other labels, or other vectors.

Only the last needs the encoder. Labels decide what partners may find, so a change of labels alone
is written at once and without the model.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from node.ingest.record import Record
from node.store.document_rows import DocumentRow

BATCH_DOCUMENTS = 256
BATCH_CHARS = 2_000_000


class Step(Enum):
    """What is written for one record."""

    NOTHING = auto()  # stored as it is
    FIELDS = auto()  # metadata or uri differ
    LABELS = auto()  # labels differ (and fields perhaps): the same vectors under other labels
    CONTENT = auto()  # known document with another text or vector
    NEW = auto()


@dataclass(frozen=True, slots=True)
class Planned:
    """A record with its step; `known` is the stored document, None for a new one."""

    record: Record
    step: Step
    known: DocumentRow | None

    @property
    def needs_vectors(self) -> bool:
        """Whether vectors must be made or taken from the record."""
        return self.step in (Step.NEW, Step.CONTENT)


def plan(record: Record, known: DocumentRow | None) -> Planned:
    """Compare a record with the stored document of its id."""
    if known is None:
        return Planned(record, Step.NEW, None)
    if known.digest != record.digest:
        return Planned(record, Step.CONTENT, known)
    if known.labels != record.labels:
        return Planned(record, Step.LABELS, known)
    if (known.metadata, known.uri) != (record.metadata, record.uri):
        return Planned(record, Step.FIELDS, known)
    return Planned(record, Step.NOTHING, known)


def batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Group records in order, bounded in number and characters, no id twice in a batch.

    Where an id comes twice in a file, the later record so finds the earlier one stored.
    """
    batch: list[Record] = []
    ids: set[str] = set()
    chars = 0
    for record in records:
        if batch and (len(batch) >= BATCH_DOCUMENTS or chars >= BATCH_CHARS or record.id in ids):
            yield batch
            batch, ids, chars = [], set(), 0
        batch.append(record)
        ids.add(record.id)
        chars += len(record.text or "")
    if batch:
        yield batch
