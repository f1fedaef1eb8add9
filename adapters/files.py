"""Adapter files: safetensors, named by their digest, with their direction inside.

The rule of this file: what is loaded is the file that was named, maps the way that was asked for,
and holds two float32 tensors and JSON text; nothing in it is ever executed. The same map and
metadata give the same bytes, so the digest is the map's identity.

    weight  F32 (d_out, d_in)        metadata  format   interlingua-adapter-v1
    bias    F32 (d_out,)                       kind, source, target, unit
                                               quality  JSON of the quality card, may be absent
"""

import json
from dataclasses import dataclass
from typing import cast, get_args

import numpy as np

from adapters.affine import AffineMap, Kind
from adapters.errors import AdapterError, AdapterFileRefused
from adapters.quality import QualityCard
from adapters.tensor_file import decode_tensors, encode_tensors, file_digest

FORMAT = "interlingua-adapter-v1"


@dataclass(frozen=True)
class StoredAdapter:
    """A map as read from a file, with the file's digest and its quality card where it has one."""

    map: AffineMap
    digest: str
    quality: QualityCard | None


def adapter_digest(raw: bytes) -> str:
    """Return `sha256:<hex>` of an adapter file's bytes."""
    return file_digest(raw)


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
        "weight": adapter.weight.astype(np.float32),
        "bias": adapter.bias.astype(np.float32),
    }
    return encode_tensors(tensors, metadata)


def decode_adapter(raw: bytes, digest: str, source: str, target: str) -> StoredAdapter:
    """Read a file that must have this digest and lead from `source` to `target` (space ids).

    Raises:
        AdapterFileRefused: other bytes, another direction, or not an adapter file.
    """
    if adapter_digest(raw) != digest:
        raise AdapterFileRefused(
            "the adapter file's digest is not the one on record; restore it or fit again"
        )
    try:
        stored = _decode(raw, digest)
    except (AdapterError, KeyError, ValueError, TypeError, OverflowError) as error:
        raise AdapterFileRefused(f"this is not an adapter file ({type(error).__name__})") from error
    if (stored.map.source, stored.map.target) != (source, target):
        raise AdapterFileRefused(
            f"the adapter maps {stored.map.source} to {stored.map.target}, wanted was "
            f"{source} to {target}; a direction is part of an adapter's identity"
        )
    return stored


def _decode(raw: bytes, digest: str) -> StoredAdapter:
    tensors, metadata = decode_tensors(raw, {"weight", "bias"})
    if metadata["format"] != FORMAT or metadata["kind"] not in get_args(Kind):
        raise ValueError("another format or kind")
    if any(tensor.dtype != np.float32 for tensor in tensors.values()):
        raise ValueError("other tensors than weight and bias in float32")
    adapter = AffineMap(
        cast(Kind, metadata["kind"]),  # one of them, as just checked
        tensors["weight"],
        tensors["bias"],
        metadata["source"],
        metadata["target"],
        {"true": True, "false": False}[metadata["unit"]],
    )
    quality = metadata.get("quality")
    card = None if quality is None else QualityCard.from_json(json.loads(quality))
    return StoredAdapter(adapter, digest, card)
