"""Vectors in a `.npy` file, (n, d) floats, with a text file of n ids, one a line.

Where the space's envelope says int8, the array may hold int8 instead: directions, whatever their
scale, which are brought to length 1 like all vectors of such a space.

The array is read a block at a time, not loaded; nor is it mapped while it is read, for touching
what somebody cuts off a mapped file ends the process. Pickled arrays are refused: they would run
code.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from node.ingest.errors import BadRecord, IngestError
from node.ingest.record import FloatArray, Record, single_precision
from node.regular_file import open_regular
from protocol.envelope import Dtype

_MAX_ID_CHARS = 512
_BLOCK = 1_000

_UNREADABLE = (
    ValueError, TypeError, OverflowError, EOFError, MemoryError, RecursionError, SyntaxError,
    TokenError, UserWarning,
)  # fmt: skip
"""What numpy lets through of a damaged head, which it reads as Python, or as an older Python. A
MemoryError speaks of what the head claims; nothing was loaded yet."""
_MAGIC = b"\x93NUMPY"


def read(
    vectors: Path,
    ids: Path,
    labels: frozenset[str] = frozenset(),
    dtype: Dtype = "float32",
) -> Iterator[Record]:
    """Yield a document for each row, all with the same labels; `dtype` is the envelope's.

    Raises IngestError when a file cannot be read or they do not belong together, BadRecord at the
    first bad id.
    """
    table = opened(vectors, dtype)
    rows = table.each()
    try:
        with TextIOWrapper(open_regular(ids), encoding="utf-8", newline="\n") as file:
            row = -1
            for row, line in enumerate(file):
                if row >= len(table):
                    break
                where = f"{ids}:{row + 1}"
                yield Record(
                    _checked_id(line.rstrip("\r\n"), where),
                    where,
                    vector=next(rows),
                    labels=labels,
                )
            if row + 1 != len(table):
                counted = "more" if row >= len(table) else str(row + 1)
                raise IngestError(
                    f"{ids} has {counted} ids and {vectors} has {len(table)} rows",
                    fix="Give one id a line, in the order of the rows.",
                )
    except UnicodeDecodeError:
        raise IngestError(
            f"{ids} is not UTF-8",
            fix="Save it as UTF-8.",
        ) from None
    except OSError as error:
        raise IngestError(
            f"{ids} cannot be read: {error.strerror}",
            fix="Check the path after --ids, and that the node's user may read the file.",
        ) from None


def count(vectors: Path, dtype: Dtype = "float32") -> int:
    """Return the number of rows; `dtype` is the envelope's."""
    return len(opened(vectors, dtype))


@dataclass(frozen=True, slots=True)
class Table:
    """The table (n, d) in a `.npy` file, which begins at byte `offset`; `by_column`: Fortran's."""

    path: Path
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    offset: int
    by_column: bool

    def __len__(self) -> int:
        return self.shape[0]

    def rows(self, first: int, after: int) -> npt.NDArray[Any]:
        """Read rows (after - first, d). Raises IngestError where they are not there any more."""
        count, width = self.shape
        try:
            with open_regular(self.path) as file:
                if not self.by_column:
                    read = self._numbers(file, first * width, (after - first) * width)
                    return read.reshape(after - first, width)
                columns = [self._numbers(file, column * count + first, after - first)
                           for column in range(width)]  # fmt: skip
                return np.stack(columns, axis=1)
        except OSError as error:
            raise IngestError(
                f"{self.path} cannot be read: {error.strerror or 'it is damaged'}",
                fix="Check the path, and that the node's user may read the file.",
            ) from None

    def each(self) -> Iterator[FloatArray]:
        """Read the rows (d,) one after the other, as float32; those of a block share its memory."""
        for first in range(0, len(self), _BLOCK):
            yield from single_precision(self.rows(first, min(first + _BLOCK, len(self))))

    def _numbers(self, file: BinaryIO, first: int, count: int) -> npt.NDArray[Any]:
        file.seek(self.offset + first * self.dtype.itemsize)
        read = file.read(count * self.dtype.itemsize)
        if len(read) < count * self.dtype.itemsize:
            raise IngestError(
                f"{self.path} became shorter while it was read",
                fix="Let nothing write to it meanwhile, and begin again.",
            )
        return np.frombuffer(read, self.dtype)


def opened(path: Path, dtype: Dtype) -> Table:
    """Return the table in a `.npy` file; none of it is read yet. Raises IngestError."""
    array = _mapped(path, dtype)
    by_column = array.flags.f_contiguous and not array.flags.c_contiguous
    offset = getattr(array, "offset", 0)
    return Table(path, (array.shape[0], array.shape[1]), array.dtype, offset, by_column)


def _mapped(path: Path, dtype: Dtype) -> npt.NDArray[Any]:
    try:
        with open_regular(path) as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise ValueError("an archive or a pickle, which numpy would open as such")
        array: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise IngestError(
            f"{path} cannot be read: {error.strerror or 'it is damaged'}",
            fix="Check the path, and that the node's user may read the file.",
        ) from None
    except _UNREADABLE:
        raise IngestError(
            f"{path} is not an array of numbers as numpy.save writes one",
            fix="Write it again: numpy.save(PATH, vectors), uncompressed and without objects.",
        ) from None
    if isinstance(array, np.ndarray) and array.dtype == np.int8 and dtype != "int8":
        raise IngestError(
            f"{path} holds int8, and the space's envelope says {dtype}",
            fix="Save floats, or use an encoder whose envelope says dtype int8.",
        )
    number = isinstance(array, np.ndarray) and (array.dtype.kind == "f" or array.dtype == np.int8)
    if not number or array.ndim != 2:
        raise IngestError(
            f"{path} holds no table of floats with one vector a row",
            fix="Save one array of shape (n, d): numpy.save(PATH, numpy.stack(vectors)).",
        )
    return array


def _checked_id(text: str, where: str) -> str:
    if not text or len(text) > _MAX_ID_CHARS or not text.isprintable():
        raise BadRecord(
            where,
            f"the id is empty, longer than {_MAX_ID_CHARS} characters, or has characters that "
            "cannot be printed",
            fix="Write one id a line, e.g. a-17.",
        )
    return text
