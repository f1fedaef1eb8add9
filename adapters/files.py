"""Adapter files: safetensors, named by their digest, with their direction inside.

The rule of this file: what is loaded is the file that was named, maps the way that was asked for,
and holds float32 tensors and JSON text; nothing in it is ever executed. The same map and
metadata give the same bytes, so the digest is the map's identity.

    an affine map                    a mixture of k maps
    weight  F32 (d_out, d_in)        weight     F32 (k, d_out, d_in)
    bias    F32 (d_out,)             bias       F32 (k, d_out)
                                     gate       F32 (k, d_in)
                                     gate_bias  F32 (k,)

    metadata  format   interlingua-adapter-v1
              kind, source, target, unit
              quality  JSON of the quality card, may be absent
"""

import json
from dataclasses import dataclass

import numpy as np

from adapters.affine import AffineMap
from adapters.errors import AdapterError, AdapterFileRefused
from adapters.map import KINDS, Kind, Map
from adapters.mixture import MixtureMap
from adapters.quality import QualityCard
from adapters.tensor_file import Tensors, decode_tensors, encode_tensors, file_digest

FORMAT = "interlingua-adapter-v1"

TENSORS: dict[Kind, tuple[str, ...]] = dict.fromkeys(KINDS, ("weight", "bias"))
TENSORS["mixture"] = ("weight", "bias", "gate", "gate_bias")
"""Which tensors a file of each kind holds, under the names of the map's attributes."""

_BY_NAME: dict[str, Kind] = {each: each for each in KINDS}


@dataclass(frozen=True)
class StoredAdapter:
    """A map as read from a file, with the file's digest and its quality card where it has one."""

    map: Map
    digest: str
    quality: QualityCard | None


def adapter_digest(raw: bytes) -> str:
    """Return `sha256:<hex>` of an adapter file's bytes."""
    return file_digest(raw)


def encode_adapter(adapter: Map, quality: QualityCard | None = None) -> bytes:
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
    tensors = {name: getattr(adapter, name) for name in TENSORS[adapter.kind]}
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
    tensors, metadata = decode_tensors(raw, *{frozenset(names) for names in TENSORS.values()})
    kind = _BY_NAME[metadata["kind"]]
    if metadata["format"] != FORMAT or set(tensors) != set(TENSORS[kind]):
        raise ValueError("another format, or the tensors of another kind")
    if any(tensor.dtype != np.float32 for tensor in tensors.values()):
        raise ValueError("other tensors than float32")
    quality = metadata.get("quality")
    card = None if quality is None else QualityCard.from_json(json.loads(quality))
    return StoredAdapter(_map(kind, tensors, metadata), digest, card)


def _map(kind: Kind, tensors: Tensors, metadata: dict[str, str]) -> Map:
    direction = metadata["source"], metadata["target"]
    unit = {"true": True, "false": False}[metadata["unit"]]
    weight, bias = tensors["weight"], tensors["bias"]
    if kind == "mixture":
        gate = tensors["gate"], tensors["gate_bias"]
        return MixtureMap(weight, bias, *gate, *direction, unit)
    return AffineMap(kind, weight, bias, *direction, unit)
