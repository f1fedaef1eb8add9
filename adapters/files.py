"""Adapter files: safetensors, named by their digest, with their direction inside.

The rule of this file: what is loaded is the file that was named, maps the way that was asked for,
and holds two float32 tensors and JSON text; nothing in it is ever executed. The same map and
metadata give the same bytes, so the digest is the map's identity.

    weight  F32 (d_out, d_in)        metadata  format   interlingua-adapter-v1
    bias    F32 (d_out,)                       kind, source, target, unit
                                               quality  JSON of the quality card, may be absent
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from adapters.affine import AffineMap, Kind
from adapters.errors import AdapterError, AdapterFileRefused
from adapters.quality import QualityCard

FORMAT = "interlingua-adapter-v1"
MAX_FILE_BYTES = 512 * 2**20


@dataclass(frozen=True)
class StoredAdapter:
    """A map as read from a file, with the file's digest and its quality card where it has one."""

    map: AffineMap
    digest: str
    quality: QualityCard | None


def adapter_digest(raw: bytes) -> str:
    """Return `sha256:<hex>` of an adapter file's bytes."""
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def encode_adapter(adapter: AffineMap, quality: QualityCard | None = None) -> bytes:
    """Return the file's bytes."""
    metadata = {
        "format": FORMAT,
        "kind": adapter.kind,
        "source": adapter.source,
        "target": adapter.target,
        "unit": "true" if adapter.unit else "false",
    }
    if quality is not None:
        metadata["quality"] = json.dumps(quality.as_json(), sort_keys=True)
    tensors = {
        "weight": np.ascontiguousarray(adapter.weight, dtype=np.float32),
        "bias": np.ascontiguousarray(adapter.bias, dtype=np.float32),
    }
    return _sorted_header(save(tensors, metadata=metadata))


def decode_adapter(raw: bytes, digest: str, source: str, target: str) -> StoredAdapter:
    """Read a file that must have this digest and lead from `source` to `target` (space ids).

    Raises:
        AdapterFileRefused: other bytes, another direction, or not an adapter file.
    """
    if len(raw) > MAX_FILE_BYTES:
        raise AdapterFileRefused(f"an adapter file has at most {MAX_FILE_BYTES} bytes")
    if adapter_digest(raw) != digest:
        raise AdapterFileRefused(
            "the adapter file's digest is not the one on record; restore it or fit again"
        )
    try:
        stored = _decode(raw, digest)
    except (SafetensorError, AdapterError, KeyError, ValueError, TypeError, OverflowError) as error:
        raise AdapterFileRefused(f"this is not an adapter file ({type(error).__name__})") from error
    if (stored.map.source, stored.map.target) != (source, target):
        raise AdapterFileRefused(
            f"the adapter maps {stored.map.source} to {stored.map.target}, wanted was "
            f"{source} to {target}; a direction is part of an adapter's identity"
        )
    return stored


def _decode(raw: bytes, digest: str) -> StoredAdapter:
    tensors = load(raw)
    metadata = _header(raw)["__metadata__"]
    if metadata["format"] != FORMAT or metadata["kind"] not in get_args(Kind):
        raise ValueError("another format or kind")
    if set(tensors) != {"weight", "bias"} or any(t.dtype != np.float32 for t in tensors.values()):
        raise ValueError("other tensors than weight and bias in float32")
    adapter = AffineMap(
        metadata["kind"],
        tensors["weight"],
        tensors["bias"],
        metadata["source"],
        metadata["target"],
        {"true": True, "false": False}[metadata["unit"]],
    )
    quality = metadata.get("quality")
    card = None if quality is None else QualityCard.from_json(json.loads(quality))
    return StoredAdapter(adapter, digest, card)


def _header(raw: bytes) -> dict[str, Any]:
    size = int.from_bytes(raw[:8], "little")
    header: dict[str, Any] = json.loads(raw[8 : 8 + size])
    return header


def _sorted_header(raw: bytes) -> bytes:
    """Rewrite the header with sorted keys: the library writes metadata in random order.

    The header keeps its length, a multiple of eight padded with spaces, so the tensors stay put.
    """
    size = int.from_bytes(raw[:8], "little")
    header = json.dumps(_header(raw), sort_keys=True, separators=(",", ":")).encode()
    padded = header + b" " * (-len(header) % 8)
    return len(padded).to_bytes(8, "little") + padded + raw[8 + size :]
