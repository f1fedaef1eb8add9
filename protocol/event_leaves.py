"""The leaves of everything but questions: starts, peers, policies, keys, exports, admin acts.

Rule of this file: whatever changes what a partner may ask or what this node may say has a leaf,
so that an auditor can date it. ``by`` names the local token or operator that did it.
"""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from keys.thumbprint import thumbprint
from protocol.leaf_filter import LeafFilter
from protocol.leaf_frame import Leaf, Salt
from protocol.notation import (
    CollectionName,
    Count,
    Digest,
    KeyId,
    NoteText,
    Organisation,
    PurposeName,
    Text,
    Time,
    Word,
    from_base64url,
)

PublicKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""An Ed25519 public key, 32 bytes in base64url."""


class _Event(Leaf):
    by: Text | None = None


class Started(_Event):
    """The node opened its log (type ``start``): with ``size`` leaves, under ``origin`` and key."""

    type: Literal["start"] = "start"
    origin: Text
    key: KeyId
    size: Count
    software: Text


class Succeeded(_Event):
    """The first leaf of a log that continues another one which was lost in part.

    ``origin`` names the log before and ``key`` the key that signed it; ``last`` is its last
    checkpoint that this node still has, ``held`` the largest one that a partner (``held_by``)
    holds. What lies between the two is lost: budgets count as spent through ``day`` and exposures
    through ``epoch``, both numbered from 1970-01-01 UTC.
    """

    type: Literal["successor"] = "successor"
    origin: Text
    key: KeyId
    last: NoteText
    held: NoteText | None = None
    held_by: Organisation | None = None
    day: Count
    epoch: Count


class Refused(_Event):
    """How many requests were refused without a leaf of their own in the minute from ``minute`` on.

    ``counts``: refusals by problem code; ``peer`` only where the sender was authenticated.
    """

    type: Literal["refused"] = "refused"
    minute: Time
    counts: Annotated[dict[Word, Count], Field(min_length=1, max_length=64)]


class PeerChanged(_Event):
    """A partner's state changed (type ``peer``); after ``revoked`` nothing is answered to it.

    ``root``: key id of its pinned root; ``document``: digest of its accepted root document;
    ``log``: name of the log under which its receipts are accepted.
    """

    type: Literal["peer"] = "peer"
    peer: Organisation
    state: Literal["pending", "active", "paused", "revoked"]
    root: KeyId | None = None
    root_version: Count | None = None
    document: Digest | None = None
    log: Text | None = None


class PolicyApplied(_Event):
    """The set of grants was replaced (type ``policy``)."""

    type: Literal["policy"] = "policy"
    policy: Digest
    previous: Digest | None = None
    generation: Count
    grants: Count


class KeyChanged(_Event):
    """An own key was created, published or revoked, or took over the log (type ``key``).

    The leaf of a log key that took over (event ``took-over``) is the last one that the key before
    it signs for, and holds the new key itself: ``public``, 32 bytes in base64url.
    """

    type: Literal["key"] = "key"
    key: KeyId
    use: Literal["root", "card", "sign", "log", "witness"]
    event: Word
    document: Digest | None = None
    public: PublicKey | None = None

    @model_validator(mode="after")
    def _names_its_key(self) -> "KeyChanged":
        if self.public is not None and thumbprint(from_base64url(self.public)) != self.key:
            raise ValueError("public: it is another key than the leaf names")
        return self


class CollectionChanged(_Event):
    """A collection was created, loaded, compacted or dropped, or something became of a version.

    Of a version (type ``collection`` too): ``migration-begun``, ``complete``, ``cutover``,
    ``rollback``, ``retired``; or of how questions are moved to another model: ``bridge``,
    ``both``, ``progressive``, ``share``, ``stopped``. After ``cutover`` and ``rollback``
    ``version`` answers in place of ``former``; ``forced`` says what stood against it and was
    overruled, ``reason`` why the node's own watch did it (``by`` is then ``watch``), or the figures
    of such a move.
    """

    type: Literal["collection"] = "collection"
    collection: CollectionName
    event: Word
    version: Text | None = None
    space: Digest | None = None
    documents: Count | None = None
    former: Text | None = None
    forced: Text | None = None
    reason: Text | None = None


class Exported(_Event):
    """A part of this log is handed to an auditor (type ``export``), in a bundle with this leaf.

    The part are the leaves from index ``begins`` up to and without ``ends``; in clear are those
    about ``peer``, for ``purpose``, from the second ``since`` on and before ``until``, as far as
    these are given. ``roots``: digest of the root documents in the bundle (protocol/bundle.py).
    """

    type: Literal["export"] = "export"
    begins: Count
    ends: Count
    purpose: PurposeName | None = None
    since: Time | None = None
    until: Time | None = None
    roots: Digest

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "Exported":
        if self.ends < self.begins:
            raise ValueError("ends: a part of the log ends where it begins, or later")
        return self

    @property
    def filtered(self) -> bool:
        """Tell whether some leaves of the part may be left out of what is shown."""
        return any(f is not None for f in (self.peer, self.purpose, self.since, self.until))


class AuditRead(_Event):
    """A token was given leaves of this log to read (type `audit-read`), before it was shown any.

    ``reading``: what for: `search`, `entries`, `report-` and its kind, or a use of one ``leaf``,
    ``case`` being the matter. ``filter``: which leaves, absent where all; ``size``: leaves that the
    log had, ``count``: those of them that pass. A reading lasts an hour: what is appended meanwhile
    may have been read too.
    """

    type: Literal["audit-read"] = "audit-read"
    reading: Word
    filter: LeafFilter | None = None
    leaf: Count | None = None
    case: Text | None = None
    size: Count
    count: Count


_Range = Annotated[tuple[Count, Count], Field(strict=False)]
Ranges = Annotated[tuple[_Range, ...], Field(min_length=1, max_length=1_000, strict=False)]
"""Leaf indexes, each range from its first up to and without its second, ascending."""


class Erased(_Event):
    """What was kept of exchanges is gone (type ``erasure``): its keys, and with them its salts.

    ``records``: how many of each kind; ``basis``: what chose them; ``ranges``: indexes of the
    leaves whose records of these kinds, and of ``peer`` where it is given, were erased;
    ``before``: the age that chose them (epoch seconds, UTC); ``erasure``: an id of its own.
    """

    type: Literal["erasure"] = "erasure"
    records: Annotated[dict[Word, Count], Field(min_length=1, max_length=8)]
    basis: Literal["record", "peer", "age", "subject", "retention"]
    ranges: Ranges
    before: Time | None = None
    erasure: Salt

    @model_validator(mode="after")
    def _ranges_ascend(self) -> "Erased":
        places = [place for one in self.ranges for place in one]
        widths = (end - begin for begin, end in self.ranges)
        if any(b < a for a, b in pairwise(places)) or any(w < 1 for w in widths):
            raise ValueError("ranges: each begins at or after the end of the one before it")
        return self


class AdminActed(_Event):
    """Any other act of administration (type ``admin``): the operation and what it concerned."""

    type: Literal["admin"] = "admin"
    operation: Word
    subject: Text | None = None
    detail: Digest | None = None
