"""Vectors in a `.npy` file, everything else in a JSON Lines file of the same name beside it.

The rule of this file: rows of the array belong to the lines in order, as many to each as it has
spans; neither may have some left over. The array is not loaded.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson
from pydantic import ValidationError

from node.ingest.errors import IngestError
from node.ingest.jsonl import MAX_LINE_BYTES
from node.ingest.npy import Table, opened
from node.ingest.record import single_precision
from node.regular_file import open_regular
from node.transfer.errors import NotAsTold, SourceUnreadable
from node.transfer.fields import Fields
from node.transfer.form import End, FloatArray, Head, Moved, Tally, parse_end, parse_head
from node.wrong_values import describe
from protocol.envelope import Similarity


def sidecar(path: Path) -> Path:
    """The JSON Lines file that belongs to an array."""
    return path.with_suffix(".jsonl")


def write(
    files: tuple[BinaryIO, BinaryIO], head: Head, vectors: int, documents: Iterable[Moved]
) -> End:
    """Write array and lines; `vectors` is how many there will be."""
    array, lines = files
    shape = (vectors, head.envelope.dimension)
    form = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(array, form)
    lines.write(head.model_dump_json().encode() + b"\n")
    tally = Tally(head)
    for one in documents:
        tally.add(one)
        array.write(one.vectors.astype("<f4", copy=False).tobytes())
        told = {
            "id": one.id, "labels": one.labels, "metadata": one.metadata, "uri": one.uri,
            "text": one.text, "encoded": one.encoded, "spans": one.spans, "source": one.source,
        }  # fmt: skip
        lines.write(orjson.dumps(told) + b"\n")
    lines.write(tally.end.model_dump_json().encode() + b"\n")
    return tally.end


class NpySource:
    """An array with its lines."""

    metric: Similarity | None = None
    total: int | None = None

    def __init__(self, path: Path) -> None:
        """Read the head. Raises TransferError."""
        self._path, self._lines_path = path, sidecar(path)
        self._end: End | None = None
        first = next(self._lines(), None)
        if first is None:
            raise SourceUnreadable(f"{self._lines_path} is empty")
        self.head: Head | None = parse_head(first[1], self._lines_path.name)

    def documents(self) -> Iterator[Moved]:
        """Yield the documents; the last line is the end."""
        array = self._array()
        self._end, row = None, 0
        lines = self._lines()
        next(lines, None)
        for where, content in lines:
            if self._end is not None:
                raise NotAsTold(f"{where} stands after the end")
            if "digest" in content:
                self._end = parse_end(content, self._lines_path.name)
                continue
            fields = _fields(content, where)
            after = row + len(fields.spans)
            if after > len(array):
                raise NotAsTold(f"{self._path} has fewer rows than {self._lines_path.name} says")
            rows = self._rows(array, row, after)
            row = after
            yield fields.moved(where, rows)
        if row != len(array):
            raise NotAsTold(f"{self._path} has more rows than {self._lines_path.name} says")

    def end(self) -> End | None:
        """The last line."""
        if self._end is None:
            raise NotAsTold(f"{self._lines_path} has no end: it was cut short")
        return self._end

    def close(self) -> None:
        """Nothing is held open."""

    def _rows(self, array: Table, first: int, after: int) -> FloatArray:
        try:
            return single_precision(array.rows(first, after))
        except IngestError as error:
            raise SourceUnreadable(str(error), fix=error.fix) from None

    def _array(self) -> Table:
        try:
            return opened(self._path, "float32")
        except IngestError as error:
            raise SourceUnreadable(str(error), fix=error.fix) from None

    def _lines(self) -> Iterator[tuple[str, dict[str, Any]]]:
        try:
            with open_regular(self._lines_path) as file:
                number = 0
                while raw := file.readline(MAX_LINE_BYTES + 1):
                    number += 1
                    where = f"{self._lines_path}:{number}"
                    yield where, _object(raw, where)
        except OSError as error:
            raise SourceUnreadable(
                f"{self._lines_path} cannot be read: {error.strerror}",
                fix="An array comes with a .jsonl file of its name; both are needed.",
            ) from None


def _object(raw: bytes, where: str) -> dict[str, Any]:
    try:
        content = orjson.loads(raw) if len(raw) <= MAX_LINE_BYTES else None
    except orjson.JSONDecodeError:
        content = None
    if not isinstance(content, dict):
        raise NotAsTold(f"{where} is no JSON object of at most {MAX_LINE_BYTES} bytes")
    return content


def _fields(content: dict[str, Any], where: str) -> Fields:
    try:
        return Fields.model_validate(content)
    except ValidationError as error:
        raise NotAsTold(f"{where}: {describe(error)}") from None
