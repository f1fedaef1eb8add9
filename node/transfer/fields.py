"""What a document says beside its vectors, checked as a line of `collection ingest` is."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from node.ingest.jsonl import DocumentId, Label, Metadata, Uri
from node.transfer.form import FloatArray, Moved

MAX_PIECES = 65_536
"""Vectors of one document, which is held as a whole."""

Place = Annotated[int, Field(ge=0)]
_Span = Annotated[tuple[Place, Place], Field(strict=False)]


class Fields(BaseModel):
    """The fields of one document."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: DocumentId
    labels: Annotated[tuple[Label, ...], Field(max_length=256, strict=False)] = ()
    metadata: Metadata = {}
    uri: Uri | None = None
    text: str | None = None
    encoded: bool = False
    source: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    spans: Annotated[tuple[_Span, ...], Field(min_length=1, max_length=MAX_PIECES, strict=False)]

    @model_validator(mode="after")
    def _spans_fit(self) -> "Fields":
        longest = max(stop for _, stop in self.spans)
        if any(stop < start for start, stop in self.spans):
            raise ValueError("spans: one ends before it begins")
        if self.source is not None and (self.uri is None or self.text is not None):
            raise ValueError("source: it is of what a uri gives in place of a text")
        if self.text is not None and longest > len(self.text):
            raise ValueError("spans: one ends after the text")
        return self

    def moved(self, where: str, vectors: FloatArray) -> Moved:
        """The document with its vectors (n, d), one for each span."""
        return Moved(
            self.id, where, self.spans, vectors, self.labels, self.metadata, self.uri, self.text,
            self.encoded, self.source,
        )  # fmt: skip
