"""JSON Lines: one document a line, read one line at a time.

    {"id": "a-17", "text": "...", "vector": [..], "labels": ["public"], "metadata": {}, "uri": ".."}

`id` and one of `text`, `vector` and a `uri` that this node may read are required. Unknown keys are
refused: a misspelt `labels` would otherwise publish what it should have held back.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from node.ingest.errors import BadRecord, IngestError
from node.ingest.record import Record, single_precision
from node.regular_file import open_regular
from node.wrong_values import describe

MAX_LINE_BYTES = 64 * 1024 * 1024
EXAMPLE = '{"id": "a-17", "text": "...", "labels": ["public"]}'

_NO_CONTROL = r"^[^\x00-\x1f\x7f]+$"
DocumentId = Annotated[str, StringConstraints(pattern=_NO_CONTROL, max_length=512)]
Label = Annotated[str, StringConstraints(pattern=_NO_CONTROL, max_length=128)]
Uri = Annotated[str, StringConstraints(pattern=_NO_CONTROL, max_length=4096)]


def _storable(metadata: dict[str, Any]) -> dict[str, Any]:
    """Refuse what can be read and never written again: orjson reads deeper than it writes."""
    try:
        orjson.dumps([[metadata]] if metadata else None)
    except TypeError:
        raise ValueError("metadata: it is nested too deeply, or holds what is no JSON") from None
    return metadata


Metadata = Annotated[dict[str, Any], AfterValidator(_storable)]


class Line(BaseModel):
    """The fields of one line."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: DocumentId
    text: Annotated[str, StringConstraints(min_length=1)] | None = None
    vector: Annotated[list[float], Field(min_length=1, max_length=8192)] | None = None
    labels: Annotated[list[Label], Field(max_length=256)] = []
    metadata: Metadata = {}
    uri: Uri | None = None

    @model_validator(mode="after")
    def _has_content(self) -> "Line":
        blank = self.text is not None and not self.text.strip()
        if self.vector is None and (blank or (self.text is None and self.uri is None)):
            raise ValueError(
                "a document needs a text that is not blank, a vector, or a uri to read"
            )
        return self


def read(path: Path) -> Iterator[Record]:
    """Yield the documents of a file in order, skipping blank lines.

    Raises IngestError when the file cannot be read, BadRecord (FILE:LINE, cause, fix) at the first
    bad line.
    """
    try:
        with open_regular(path) as file:
            for number, raw in enumerate(_lines(file, path), start=1):
                if raw.strip():
                    yield parse_line(raw, f"{path}:{number}")
    except OSError as error:
        raise IngestError(
            f"{path} cannot be read: {error.strerror}",
            fix="Check the path, and that the node's user may read the file.",
        ) from None


def count(path: Path) -> int:
    """Return the number of lines, quickly. Raises IngestError when the file cannot be read."""
    lines = 0
    last = b"\n"
    try:
        with open_regular(path) as file:
            while part := file.read(1 << 20):
                lines += part.count(b"\n")
                last = part[-1:]
    except OSError as error:
        raise IngestError(
            f"{path} cannot be read: {error.strerror}",
            fix="Check the path, and that the node's user may read the file.",
        ) from None
    return lines + (last != b"\n")


def parse_line(raw: bytes, where: str) -> Record:
    """Read one line. Raises BadRecord, which names `where`, the field and the cause."""
    try:
        content = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRecord(
            where,
            f"not a JSON object in UTF-8 ({error.msg}, column {error.colno})",
            fix=f"Write one document a line, e.g. {EXAMPLE}",
        ) from None  # fmt: skip
    if not isinstance(content, dict):
        raise BadRecord(
            where,
            "not a JSON object",
            fix=f"Write one document a line, e.g. {EXAMPLE}",
        )
    try:
        line = Line.model_validate(content)
    except ValidationError as error:
        raise BadRecord(where, describe(error, "line", Line.model_fields)) from None
    vector = None if line.vector is None else single_precision(line.vector)
    return Record(
        line.id, where, line.text, vector, frozenset(line.labels), line.metadata, line.uri
    )


def _lines(file: BinaryIO, path: Path) -> Iterator[bytes]:
    number = 0
    while raw := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(raw) > MAX_LINE_BYTES:
            raise BadRecord(
                f"{path}:{number}",
                f"longer than {MAX_LINE_BYTES} bytes",
                fix="Split the document into several, with an id each.",
            )
        yield raw
