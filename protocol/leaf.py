"""Audit leaves: who asked what of whom, when, for which purpose, and what was decided.

Rule of this file: ``decode_leaf`` accepts exactly the bytes that a leaf's ``encode`` writes
(canonical JSON, RFC 8785); an unknown type, an unknown field or another spelling is refused.
Leaves hold names, counts and digests, never a query vector, a document or a hit. This is the door
to the leaf models: import them from here.
"""

from functools import cache
from typing import Annotated, TypeAlias, get_args

from pydantic import Field, TypeAdapter, ValidationError

from protocol.canonical import is_canonical
from protocol.event_leaves import (
    AdminActed,
    AuditRead,
    CollectionChanged,
    Erased,
    Exported,
    KeyChanged,
    PeerChanged,
    PolicyApplied,
    Refused,
    Started,
    Succeeded,
)
from protocol.evidence import Evidence
from protocol.exchange_leaves import (
    Acknowledged,
    Answered,
    Compared,
    Decision,
    Denied,
    Failed,
    Offered,
    ReceiptFacts,
    Received,
    Repeated,
    Sent,
    Unacknowledged,
    Unanswered,
)
from protocol.leaf_frame import Leaf, new_salt
from protocol.limits import MAX_LEAF_BYTES
from protocol.log_errors import MalformedLeaf

__all__ = [
    "LEAF_TYPES",
    "Acknowledged",
    "AdminActed",
    "Answered",
    "AnyLeaf",
    "AuditRead",
    "CollectionChanged",
    "Compared",
    "Decision",
    "Denied",
    "Erased",
    "Evidence",
    "Exported",
    "Failed",
    "KeyChanged",
    "Leaf",
    "MalformedLeaf",
    "Offered",
    "PeerChanged",
    "PolicyApplied",
    "ReceiptFacts",
    "Received",
    "Refused",
    "Repeated",
    "Sent",
    "Started",
    "Succeeded",
    "Unacknowledged",
    "Unanswered",
    "decode_leaf",
    "new_salt",
]

AnyLeaf: TypeAlias = (
    Sent
    | Received
    | Unanswered
    | Answered
    | Repeated
    | Denied
    | Failed
    | Offered
    | Compared
    | Acknowledged
    | Unacknowledged
    | Started
    | Succeeded
    | Refused
    | PeerChanged
    | PolicyApplied
    | KeyChanged
    | CollectionChanged
    | Exported
    | AuditRead
    | Erased
    | AdminActed
)
LEAF_TYPES: tuple[str, ...] = tuple(kind.model_fields["type"].default for kind in get_args(AnyLeaf))
"""The word by which each kind of leaf says what it is."""

_ADAPTER: TypeAdapter[AnyLeaf] = TypeAdapter(Annotated[AnyLeaf, Field(discriminator="type")])


@cache
def _always_written(kind: type[Leaf]) -> frozenset[str]:
    """Fields that a reader would fill in, and that a writer writes all the same."""
    fields = kind.model_fields.items()
    return frozenset(n for n, info in fields if not info.is_required() and info.default is not None)


def _is_as_written(leaf: Leaf, raw: bytes) -> bool:
    """Compare with the encoding; without making it anew where that is sure to be the same.

    It is where the JSON is canonical as it stands, nothing in it is null, and no field was filled
    in: then the model holds exactly what the bytes say.
    """
    if b"null" not in raw and leaf.model_fields_set >= _always_written(type(leaf)):
        return is_canonical(raw)
    return leaf.encode() == raw


def decode_leaf(raw: bytes) -> AnyLeaf:
    """Read a leaf's bytes strictly; returns the model of its type.

    Raises ``MalformedLeaf`` for anything that ``encode`` would not have written. Comparing with
    the encoding also refuses what a JSON parser would forgive: repeated keys, spaces, ``1e2``.
    """
    if len(raw) > MAX_LEAF_BYTES:
        raise MalformedLeaf(f"a leaf has at most {MAX_LEAF_BYTES} bytes, this one {len(raw)}")
    try:
        leaf = _ADAPTER.validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "leaf"
        raise MalformedLeaf(f"not a leaf of version 1: {place}: {first['msg']}") from None
    if not _is_as_written(leaf, raw):
        raise MalformedLeaf("a leaf is canonical JSON; these bytes spell it in another way")
    return leaf
