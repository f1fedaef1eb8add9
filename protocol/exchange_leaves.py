"""The leaves of one question on both sides: what was asked, decided, received.

Rule of this file: both sides write the same ``query`` digest (SHA-256 of the query's body, which
its own salt makes unguessable) and the same ``answer`` digest (of the answer's payload line), so
that two logs can be joined on them.

    asker       sent -> received | unanswered
    responder   answered | repeated | denied | error, offered for a list of offers, and compared
                for a partner that compares its own log with what is held of it; acknowledged when
                the asker has confirmed answers, unacknowledged when it has not for a day

The responder's leaves name the agreement of the grant that decided: its id, the SHA-256 of its text
(``agreement_digest``) and the first second at which it no longer holds (``agreement_until``).
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from protocol.evidence import Evidence
from protocol.leaf_frame import Leaf
from protocol.limits import MAX_ACK_BYTES, MAX_ACKNOWLEDGED, MAX_UNACKNOWLEDGED
from protocol.notation import (
    CollectionName,
    Count,
    Digest,
    KeyId,
    Organisation,
    PurposeName,
    Text,
    WireModel,
    Word,
)

Decision = Literal["answered", "repeated", "denied", "error"]


class _Exchange(Leaf):
    """A partner, and the digest of the signed query's body."""

    peer: Organisation
    query: Digest


class _Signed(_Exchange):
    """The key that signed the query, and the signature with all that it covers."""

    key: KeyId
    evidence: Evidence


class _Question(_Signed):
    """What was asked: ``vectors`` counts the batch, ``space`` is that of the query's vectors.

    ``actor``: commitment to the person who asked; ``agreement``: id of the parties' agreement.
    """

    actor: Text | None = None
    purpose: PurposeName
    agreement: Text | None = None
    collection: CollectionName
    space: Digest
    granularity: Word | None = None
    k: Count
    vectors: Count


class Sent(_Question):
    """A query that this node is about to send; durable before the first byte goes out.

    ``adapter``: digest of the own map that was applied; ``route``: of the peer's map asked for.
    """

    type: Literal["sent"] = "sent"
    adapter: Digest | None = None
    route: Digest | None = None


class Answered(_Question):
    """An answer that this node released (not: delivered), and what it cost.

    ``charged``: queries debited from the grant's daily budget; ``results``: hits over the batch;
    ``exposed``: answers about records that were counted; ``answer``: digest of the payload.
    """

    type: Literal["answered"] = "answered"
    decision: Literal["answered"] = "answered"
    policy: Digest
    grant: Text | None = None
    agreement_digest: Digest | None = None
    agreement_until: Count | None = None
    version: Text
    adapter: Digest | None = None
    score_space: Digest | None = None
    epoch: Count | None = None
    results: Count
    exposed: Count | None = None
    charged: Count
    answer: Digest


class Repeated(_Question):
    """The stored answer of an earlier leaf, ``first``, given again; nothing is charged."""

    type: Literal["repeated"] = "repeated"
    decision: Literal["repeated"] = "repeated"
    policy: Digest
    grant: Text | None = None
    agreement_digest: Digest | None = None
    agreement_until: Count | None = None
    first: Count | None = None
    charged: Count = 0
    answer: Digest


class _Refusal(_Signed):
    """An authenticated query that got no answer; what could not be read of it is left out.

    ``reason``: the stable problem code; ``answer``: digest of the problem's payload.
    """

    actor: Text | None = None
    purpose: PurposeName | None = None
    agreement: Text | None = None
    collection: CollectionName | None = None
    space: Digest | None = None
    granularity: Word | None = None
    k: Count | None = None
    vectors: Count | None = None
    policy: Digest | None = None
    grant: Text | None = None
    agreement_digest: Digest | None = None
    agreement_until: Count | None = None
    reason: Word
    charged: Count = 0
    answer: Digest


class Denied(_Refusal):
    """A query that the policy or the protocol did not allow."""

    type: Literal["denied"] = "denied"
    decision: Literal["denied"] = "denied"


class Failed(_Refusal):
    """A query that was allowed and failed inside this node (type ``error``)."""

    type: Literal["error"] = "error"
    decision: Literal["error"] = "error"


class Offered(_Signed):
    """A partner asked what is open to it, and got ``offers`` entries."""

    type: Literal["offered"] = "offered"
    decision: Literal["answered"] = "answered"
    policy: Digest | None = None
    offers: Count
    answer: Digest


class Compared(_Signed):
    """A partner asked what is held of its own log, root document and card, and was told."""

    type: Literal["compared"] = "compared"
    decision: Literal["answered"] = "answered"
    policy: Digest | None = None
    answer: Digest


class Acknowledged(_Signed):
    """A partner confirmed that it received answers and logged them.

    ``message`` is its request's body, so that nobody can invent one: ``query`` is the digest of
    these bytes, and the signature covers it. ``confirmed``: indexes of the ``answered`` and
    ``repeated`` leaves of this log that it confirms, each for the first time.
    """

    type: Literal["acknowledged"] = "acknowledged"
    decision: Literal["answered"] = "answered"
    policy: Digest | None = None
    message: Annotated[str, StringConstraints(min_length=1, max_length=MAX_ACK_BYTES)]
    confirmed: Annotated[
        tuple[Count, ...], Field(strict=False, min_length=1, max_length=MAX_ACKNOWLEDGED)
    ]
    answer: Digest


class Unacknowledged(Leaf):
    """Answers that were released, and that the partner has not confirmed in time.

    ``unconfirmed``: the indexes of their leaves in this log. It may confirm them later.
    """

    type: Literal["unacknowledged"] = "unacknowledged"
    peer: Organisation
    unconfirmed: Annotated[
        tuple[Count, ...], Field(strict=False, min_length=1, max_length=MAX_UNACKNOWLEDGED)
    ]


class ReceiptFacts(WireModel):
    """Where the partner's receipt says its leaf stands: the partner's log, not ours.

    ``leaf``: digest of the leaf's bytes; ``root``: the checkpoint's root hash as a digest.
    """

    origin: Text
    index: Count
    size: Count
    root: Digest
    leaf: Digest


class Received(_Exchange):
    """A verified answer, durable before it is displayed; ``key`` signed it.

    ``version`` names the partner's index that was searched, as the partner says. ``receipt`` is
    absent where the protocol gives none (a rate or replay refusal).
    """

    type: Literal["received"] = "received"
    key: KeyId
    decision: Decision
    reason: Word | None = None
    purpose: PurposeName | None = None
    collection: CollectionName | None = None
    version: Text | None = None
    results: Count | None = None
    answer: Digest
    receipt: ReceiptFacts | None = None


class Unanswered(_Exchange):
    """A sent query that brought nothing usable before its deadline, and why."""

    type: Literal["unanswered"] = "unanswered"
    reason: Word
