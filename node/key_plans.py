"""When keys are replaced, and by when their successors begin.

The rule of this file: pure plans over root documents; `node/root_keeper.py` carries them out. A
planned key begins `lead_s` after it was published, one that replaces a revoked key at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from keys.ring import KeyPurpose, KeyRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from protocol.root import Key, RootDocument

DAY_S = 86_400
LIFETIME_S: dict[KeyPurpose, int] = {
    "root": 3650 * DAY_S,
    "card": 730 * DAY_S,
    "sign": 730 * DAY_S,
    "log": 730 * DAY_S,
    "witness": 730 * DAY_S,
}
"""How long (seconds) each new key is valid."""

ROTATE_BEFORE_S = 90 * DAY_S
"""A key but a root key with less time left (seconds) and no successor is replaced."""

Rotating = Literal["card", "sign", "log", "witness"]
ROTATING: tuple[Rotating, ...] = ("card", "sign", "log", "witness")

EARLY_S = 300
"""Validity begins this long (seconds) before it is written where it begins at once."""


@dataclass(frozen=True)
class Spans:
    """Time spans of a rotation in seconds: lead from publication to use, overlap after that."""

    lead_s: int
    overlap_s: int


def planned(public: bytes, purpose: KeyPurpose, at: int, lead_s: int) -> KeyRecord:
    """The record of a new key that is used after a while."""
    return KeyRecord.of(public, purpose, at + lead_s, at + lead_s + LIFETIME_S[purpose])


def immediate(public: bytes, purpose: KeyPurpose, at: int, root: RootDocument) -> KeyRecord:
    """The record of a new key that takes its turn at once, for slow clocks too, before all others.

    `root` names the others.
    """
    begun = (key.not_before for key in root.keys if key.purpose == purpose and key.not_before <= at)
    begins = max([at - EARLY_S, *(time + 1 for time in begun)])
    return KeyRecord.of(public, purpose, begins, begins + LIFETIME_S[purpose])


def due(root: RootDocument, at: int) -> Iterator[Rotating]:
    """Purposes whose newest key has little time left, and `witness` where it has no key yet."""
    for purpose in ROTATING:
        ends = [key.not_after for key in root.keys if key.purpose == purpose]
        missing = purpose == "witness" and not ends  # of a release before there were witnesses
        if missing or (ends and max(ends) - at < ROTATE_BEFORE_S):
            yield purpose


def postponed(draft: RootDocument, published: RootDocument, at: int, spans: Spans) -> RootDocument:
    """A draft whose planned keys begin no sooner than `lead_s` from now: it has waited."""
    known, begins = published.ring.records, at + spans.lead_s
    for new in draft.keys:
        if new.kid not in known and draft.issued < new.not_before < begins:
            keys = tuple(_moved(key, new, known, begins, spans.overlap_s) for key in draft.keys)
            draft = draft.model_copy(update={"keys": keys})
    return draft


def _moved(key: Key, new: Key, known: Mapping[str, KeyRecord], begins: int, overlap_s: int) -> Key:
    if key.kid == new.kid:
        ends = begins + LIFETIME_S[key.purpose]
        return key.model_copy(update={"not_before": begins, "not_after": ends})
    if key.purpose == new.purpose and key.kid in known:
        ends = min(known[key.kid].not_after, begins + overlap_s)
        return key.model_copy(update={"not_after": ends})
    return key
