"""safetensors files of which one content has one sequence of bytes, and so one digest.

The library writes metadata in random order; here names are sorted. Nothing in a file is executed.
"""

import hashlib
import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from adapters.errors import AdapterFileRefused

MAX_FILE_BYTES = 512 * 2**20
MAX_HEADER_BYTES = 2**20

Tensors = dict[str, NDArray[Any]]


def file_digest(raw: bytes) -> str:
    """Return `sha256:<hex>` of a file's bytes."""
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def encode_tensors(tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> bytes:
    """Return the bytes of a safetensors file; equal arguments give equal bytes."""
    whole = {name: np.ascontiguousarray(rows) for name, rows in sorted(tensors.items())}
    raw = save(whole, metadata=dict(metadata))
    size = int.from_bytes(raw[:8], "little")
    header = json.dumps(_header(raw), sort_keys=True, separators=(",", ":")).encode()
    # a multiple of eight, padded with spaces, as the format recommends for alignment
    padded = header + b" " * (-len(header) % 8)
    return len(padded).to_bytes(8, "little") + padded + raw[8 + size :]


def decode_tensors(raw: bytes, *expected: AbstractSet[str]) -> tuple[Tensors, dict[str, str]]:
    """Return the tensors of a file that holds exactly one `expected` set, and its metadata.

    Raises:
        AdapterFileRefused: too long, damaged, or other tensors.
    """
    if len(raw) > MAX_FILE_BYTES:
        raise AdapterFileRefused(f"a tensor file has at most {MAX_FILE_BYTES} bytes")
    if int.from_bytes(raw[:8], "little") > MAX_HEADER_BYTES:
        raise AdapterFileRefused(f"a tensor file's header has at most {MAX_HEADER_BYTES} bytes")
    try:
        tensors = load(raw)
        metadata = _header(raw).get("__metadata__", {})
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise AdapterFileRefused(
            f"this is not a whole safetensors file ({type(error).__name__}); get it again"
        ) from None
    if set(tensors) not in expected:
        wanted = " or ".join(", ".join(sorted(names)) for names in sorted(expected, key=len))
        raise AdapterFileRefused(f"the file does not hold the tensors {wanted}")
    return tensors, metadata


def _header(raw: bytes) -> dict[str, Any]:
    size = int.from_bytes(raw[:8], "little")
    header: dict[str, Any] = json.loads(raw[8 : 8 + size])
    return header
