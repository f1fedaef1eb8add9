"""Which key may do what, from when until when, and which may do nothing any more.

The rule of this file: a key is used only through `KeyRing.usable`, which judges identity, purpose,
validity and revocation together. Revocation has no date from which it counts: a revoked key is
refused for every time, because whoever stole a key also chooses the times it signs.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from keys.signer import is_sound
from keys.thumbprint import thumbprint

KeyPurpose = Literal["root", "card", "sign", "log", "witness"]
"""root: names the other keys. card: signs the card. sign: signs questions and answers.
log: signs this organisation's checkpoints. witness: cosigns other organisations' checkpoints."""

PURPOSES: tuple[KeyPurpose, ...] = get_args(KeyPurpose)

Refusal = Literal["unknown", "purpose", "early", "expired", "revoked"]

_FIX: dict[Refusal, str] = {
    "unknown": "fetch the owner's newest root document",
    "purpose": "use the key that the root document names for this purpose",
    "early": "wait, or compare the clocks of both sides",
    "expired": "its owner must publish a successor",
    "revoked": "its owner must publish a successor; treat what it signed with suspicion",
}


class KeyRefused(Exception):
    """A key may not be used here; `reason` says why: unknown, purpose, early, expired, revoked."""

    def __init__(self, reason: Refusal, kid: str, detail: str) -> None:
        super().__init__(f"key {kid[:64]} {detail}; {_FIX[reason]}")
        self.reason: Refusal = reason
        self.kid = kid


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A public key with its purpose and validity.

    `kid` is the thumbprint of `public` (32 bytes); it is valid for `not_before <= at < not_after`
    (epoch seconds, UTC). Raises ValueError where kid and key disagree, where the key is not a sound
    Ed25519 key, where the purpose is unknown or the period empty.
    """

    kid: str
    public: bytes
    purpose: KeyPurpose
    not_before: int
    not_after: int

    def __post_init__(self) -> None:
        if not is_sound(self.public):
            raise ValueError("the public key is not a sound 32-byte Ed25519 key; make another")
        if thumbprint(self.public) != self.kid:
            raise ValueError(f"key id {self.kid[:64]!r} is not the thumbprint of its public key")
        if self.purpose not in PURPOSES:
            raise ValueError(f"unknown key purpose {self.purpose!r}; one of {', '.join(PURPOSES)}")
        if self.not_after <= self.not_before:
            raise ValueError(f"key {self.kid} is never valid: not_after is not after not_before")

    @classmethod
    def of(cls, public: bytes, purpose: KeyPurpose, not_before: int, not_after: int) -> "KeyRecord":
        """Return the record of `public`, its kid computed."""
        return cls(thumbprint(public), public, purpose, not_before, not_after)


@dataclass(frozen=True, slots=True)
class Revocation:
    """The statement, made at `at` (epoch seconds, UTC), that a key must not be trusted any more."""

    kid: str
    at: int
    reason: str


class KeyRing:
    """The keys of one organisation at one moment, immutable; ValueError for a doubled kid."""

    def __init__(
        self, records: Iterable[KeyRecord], revocations: Iterable[Revocation] = ()
    ) -> None:
        by_kid: dict[str, KeyRecord] = {}
        for record in records:
            if record.kid in by_kid:
                raise ValueError(f"key {record.kid} is named twice; one key has one purpose")
            by_kid[record.kid] = record
        self.records = MappingProxyType(by_kid)
        self.revocations = MappingProxyType({entry.kid: entry for entry in revocations})

    def usable(self, kid: str, purpose: KeyPurpose, at: int) -> KeyRecord:
        """Return the record of a key that may be used for `purpose` at `at` (epoch seconds, UTC).

        Raises KeyRefused; the first of revoked, unknown, purpose, early, expired that applies.
        """
        if kid in self.revocations:
            raise KeyRefused("revoked", kid, "was revoked")
        record = self.records.get(kid)
        if record is None:
            raise KeyRefused("unknown", kid, "is not in the ring")
        if record.purpose != purpose:
            raise KeyRefused("purpose", kid, f"is a {record.purpose} key, not a {purpose} key")
        if at < record.not_before:
            raise KeyRefused("early", kid, f"is not valid before {record.not_before}")
        if at >= record.not_after:
            raise KeyRefused("expired", kid, f"was valid until {record.not_after}")
        return record

    def all_usable(self, purpose: KeyPurpose, at: int) -> tuple[KeyRecord, ...]:
        """Return every key that may be used for `purpose` at `at`, longest-lived first."""
        found = [
            record
            for record in self.records.values()
            if record.purpose == purpose
            and record.kid not in self.revocations
            and record.not_before <= at < record.not_after
        ]
        return tuple(sorted(found, key=lambda record: (-record.not_after, record.kid)))

    def by_turn(
        self, purpose: KeyPurpose, at: int, *, slow_clock_s: int = 0
    ) -> tuple[KeyRecord, ...]:
        """Return every key that may be used for `purpose` at `at`; the first is the one that signs.

        It is the one whose validity began last, as soon as it began for everybody: a reader's clock
        may be `slow_clock_s` behind. Keys that began for some readers only come last.
        """

        def turn(record: KeyRecord) -> tuple[bool, int, str]:
            return (record.not_before > at - slow_clock_s, -record.not_before, record.kid)

        return tuple(sorted(self.all_usable(purpose, at), key=turn))
