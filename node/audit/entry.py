"""What is appended to the log, what it changes with it, and what comes back.

Rule of this file: a leaf and its effects on budgets and replay memory are one entry and become
durable in one transaction, or not at all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from keys.signer import Signer
from node.audit.seen_checkpoints import SeenCheckpoint
from node.content.content import Content
from protocol.leaf import Leaf

Guard = Callable[[], None]
"""Runs in the writer's thread just before the transaction; whatever it raises drops its entry."""


@dataclass(frozen=True)
class NonceEffect:
    """A request's nonce, live through the second ``until`` (epoch seconds, UTC)."""

    peer: str
    nonce: str
    until: int


@dataclass(frozen=True)
class IdempotencyEffect:
    """The payload to give again for the same key and body digest, through the second ``until``."""

    peer: str
    key: str
    body_digest: str
    payload: bytes
    until: int


@dataclass(frozen=True)
class QueryEffect:
    """``n`` vectors debited from what ``peer`` may ask of ``collection`` on ``day``."""

    peer: str
    collection: str
    day: int
    n: int


@dataclass(frozen=True)
class ExposureEffect:
    """What an answer told ``peer`` of records in ``epoch``.

    ``answers``: by the record's 64-bit document key how often it was told of, once for each vector.
    """

    peer: str
    collection: str
    epoch: int
    answers: Mapping[int, int]

    @property
    def total(self) -> int:
        """The answers about all its records."""
        return sum(self.answers.values())


@dataclass(frozen=True)
class ProbesEffect:
    """Question vectors of ``peer`` that were answered on ``day``: mark and sketch of each."""

    peer: str
    collection: str
    day: int
    probes: Sequence[tuple[bytes, bytes]]


RESET = "budget.reset"
"""The operation that the `admin` leaf of a reset names; its subject is the collection, if one."""


@dataclass(frozen=True)
class ResetEffect:
    """All debits, exposures and probes of ``peer`` so far are forgotten.

    ``collection`` None: those of all its collections.
    """

    peer: str
    collection: str | None


@dataclass(frozen=True)
class KeptReceipt:
    """A partner's receipt, kept with the leaf that says it was received."""

    peer: str
    leaf: bytes
    proof: bytes


@dataclass(frozen=True)
class Effects:
    """Everything that becomes true with the leaf."""

    nonce: NonceEffect | None = None
    idempotency: IdempotencyEffect | None = None
    queries: QueryEffect | None = None
    exposures: ExposureEffect | None = None
    probes: ProbesEffect | None = None
    reset: ResetEffect | None = None
    receipt: KeptReceipt | None = None
    seen: SeenCheckpoint | None = None


@dataclass(frozen=True)
class TakeOver:
    """A key that signs the log from this leaf on.

    The key before it signs the leaf's checkpoint too, unless the new one signs it ``alone``: a
    revoked key signs nothing.
    """

    signer: Signer
    alone: bool = False


@dataclass(frozen=True)
class Entry:
    """One leaf with its effects and its last check; ``takes_over`` with that of a hand-over.

    ``content`` is what the leaf's exchange said, to be kept beside the log as settings allow.

    Raises ValueError if the leaf says another charge or exposure than the effects debit: the
    auditor adds up leaves and compares with the counters.
    """

    leaf: Leaf
    effects: Effects = field(default_factory=Effects)
    guard: Guard | None = None
    takes_over: TakeOver | None = None
    content: tuple[Content, ...] = ()

    def __post_init__(self) -> None:
        charged = self.effects.queries.n if self.effects.queries else 0
        if (getattr(self.leaf, "charged", None) or 0) != charged:
            raise ValueError("the leaf's `charged` is not what the effects debit from the budget")
        exposed = self.effects.exposures.total if self.effects.exposures else 0
        if (getattr(self.leaf, "exposed", None) or 0) != exposed:
            raise ValueError("the leaf's `exposed` is not the number of exposures in the effects")


@dataclass(frozen=True)
class Receipt:
    """A committed leaf: its index, its bytes, and a C2SP tlog-proof to a signed checkpoint."""

    index: int
    leaf: bytes
    proof: bytes


@dataclass(frozen=True)
class StoredAnswer:
    """What was answered to an idempotency key: ``leaf_index`` is the first answer's leaf.

    ``payload`` is ``None`` where it was erased, or is not kept here (a restored node).
    """

    body_digest: str
    payload: bytes | None
    leaf_index: int
    until: int
