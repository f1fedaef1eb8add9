"""Documents whose vectors an organisation's own model has made: the anchors' document views."""

from __future__ import annotations

from node.ingest.record import Record
from node.spaces.embedding_file import AnchorEmbeddings


def records(own: AnchorEmbeddings, held: range) -> list[Record]:
    """Documents of which the organisation's own model has made vectors."""
    return [
        Record(
            id=f"text-{n}",
            where=f"line {n}",
            text=f"document {n}",
            vector=own.document[n],
            labels=frozenset({"open"}),
        )
        for n in held
    ]
