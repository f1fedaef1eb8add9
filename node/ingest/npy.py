"""Vectors in a `.npy` file, (n, d) floats, with a text file of n ids, one a line.

Where the space's envelope says int8, the array may hold int8 instead: directions, whatever their
scale, which are brought to length 1 like all vectors of such a space.

The array is mapped, not loaded. Pickled arrays are refused: they would run code.
"""

from collections.abc import Iterator
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
import numpy.typing as npt

from node.ingest.errors import BadRecord, IngestError
from node.ingest.record import Record, single_precision
from protocol.envelope import Dtype

_MAX_ID_CHARS = 512

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
    array = mapped(vectors, dtype)
    try:
        with ids.open(encoding="utf-8", newline="\n") as file:
            row = -1
            for row, line in enumerate(file):
                if row >= len(array):
                    break
                where = f"{ids}:{row + 1}"
                yield Record(
                    _checked_id(line.rstrip("\r\n"), where),
                    where,
                    vector=single_precision(array[row]),
                    labels=labels,
                )
            if row + 1 != len(array):
                counted = "more" if row >= len(array) else str(row + 1)
                raise IngestError(
                    f"{ids} has {counted} ids and {vectors} has {len(array)} rows",
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
    return len(mapped(vectors, dtype))


def mapped(path: Path, dtype: Dtype) -> npt.NDArray[Any]:
    """Return the table (n, d) in a `.npy` file, mapped. Raises IngestError."""
    try:
        with path.open("rb") as file:
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
