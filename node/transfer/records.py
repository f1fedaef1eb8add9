"""Documents on their way become records of an ingestion."""

from collections.abc import Iterable, Iterator

from node.ingest.record import Record
from node.transfer.form import Moved


def records(documents: Iterable[Moved], space: str) -> Iterator[Record]:
    """Yield each document as a record whose vectors are of `space`."""
    for one in documents:
        yield Record(
            one.id,
            one.where,
            text=one.text,
            vector=one.vectors,
            labels=frozenset(one.labels),
            metadata=dict(one.metadata),
            uri=one.uri,
            space=space,
            spans=one.spans,
            encoded=one.encoded and (one.text is not None or one.source is not None),
            source=None if one.source is None else bytes.fromhex(one.source),
        )
