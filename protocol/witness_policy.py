"""Whose cosignatures count, and how many of them make a checkpoint `WITNESSED`.

Rule of this file: organisations are counted, not keys; neither party of an exchange is a witness of
it; a cosignature counts where its key was valid at the time that it states, and was not revoked:
whoever stole a key also chooses the times it signs. That holds too for a key that somebody told of,
as far as its organisation's root documents are at hand (`as_stated`).

A cosignature does not sign the name in front of it (C2SP tlog-cosignature), and nobody proves to
hold the key that it names. So organisations that name one key are one hand: together they count
once, and not at all where one of them is a party.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from keys.thumbprint import thumbprint
from protocol.cosignature import CosignerKey, cosignatures, witness_name
from protocol.note import parse_note
from protocol.root import RootDocument


@dataclass(frozen=True)
class Witness:
    """One key of a witness and the times (epoch seconds) at which it counts; None: at any."""

    key: CosignerKey
    organisation: str
    valid: tuple[int, int] | None = None

    def counts_at(self, at: int) -> bool:
        """Whether a cosignature that states this time counts."""
        return self.valid is None or self.valid[0] <= at < self.valid[1]


@dataclass(frozen=True)
class Witnessed:
    """What a note's cosignatures come to: organisation -> latest time that it states.

    `needed` organisations make it witnessed; `hands`: who else names the key with which one of them
    cosigned, itself included; absent where nobody does.
    """

    by: dict[str, int]
    needed: int
    hands: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def without(self, *parties: str | None) -> "Witnessed":
        """The same where these are parties of what is to be witnessed, and so count for nothing."""
        others = {o: at for o, at in self.by.items() if self._hand(o).isdisjoint(parties)}
        return Witnessed(others, self.needed, self.hands)

    @property
    def enough(self) -> bool:
        """Whether as many organisations cosigned as are needed; those of one hand count once."""
        counted: list[frozenset[str]] = []
        for organisation in self.by:
            hand = self._hand(organisation)
            same = [other for other in counted if not other.isdisjoint(hand)]
            counted = [other for other in counted if other not in same] + [hand.union(*same)]
        return len(counted) >= self.needed

    def _hand(self, organisation: str) -> frozenset[str]:
        return self.hands.get(organisation, frozenset({organisation}))


@dataclass(frozen=True)
class WitnessPolicy:
    """`needed` (at least 1) of the organisations of `witnesses` must have cosigned."""

    needed: int
    witnesses: tuple[Witness, ...]

    def __post_init__(self) -> None:
        if self.needed < 1:
            raise ValueError("at least one organisation must cosign")

    def judge(self, note: bytes, *parties: str | None) -> Witnessed:
        """Return who cosigned a checkpoint, of those that count; `parties` do not.

        The log's own signature is the caller's matter. Raises MalformedNote, MalformedCheckpoint,
        and UntrustedNote where a witness's line does not verify.
        """
        by_key = {each.key: each for each in self.witnesses}
        holders = self._holders()
        found: dict[str, int] = {}
        hands: dict[str, frozenset[str]] = {}
        for said in cosignatures(parse_note(note), by_key):
            witness = by_key[said.key]
            if witness.counts_at(said.at):
                name, hand = witness.organisation, holders[said.key.public]
                found[name] = max(said.at, found.get(name, 0))
                hands[name] = min(hand, hands.get(name, hand), key=len)
        return Witnessed(found, self.needed, hands).without(*parties)

    def named_together(self) -> tuple[frozenset[str], ...]:
        """Return the organisations that name one key with others, one set for each such key."""
        return tuple({hand for hand in self._holders().values() if len(hand) > 1})

    def _holders(self) -> dict[bytes, frozenset[str]]:
        """Which organisations name each public key."""
        found: dict[bytes, set[str]] = defaultdict(set)
        for witness in self.witnesses:
            found[witness.key.public].add(witness.organisation)
        return {public: frozenset(names) for public, names in found.items()}


NOBODY = WitnessPolicy(1, ())
"""The policy of somebody who knows no witness: nothing is better than self-signed."""


def told_witness(text: str) -> Witness:
    """Return the witness of a key as its organisation told it; MalformedNote."""
    key = CosignerKey.parse(text)
    return Witness(key, key.organisation)


def as_stated(told: Witness, documents: Iterable[RootDocument]) -> Witness | None:
    """Return a witness that somebody told of as its organisation's root documents state it.

    `documents`: oldest first. A key that none of them names counts as it was told; one that any of
    them revokes counts for nothing (None), and each other one at the times for which the newest to
    name it makes it valid.
    """
    kid, stated = thumbprint(told.key.public), told
    for document in documents:
        if kid in document.ring.revocations:
            return None
        record = document.ring.records.get(kid)
        if record is not None and record.purpose == "witness":
            stated = replace(told, valid=(record.not_before, record.not_after))
    return stated


def witnesses_of(documents: Iterable[RootDocument]) -> tuple[Witness, ...]:
    """Return the witness keys of one organisation's root documents, oldest first.

    Each with the validity that the newest version to name it gives, without those revoked since.
    """
    found: dict[str, Witness] = {}
    revoked: set[str] = set()
    for document in documents:
        revoked |= set(document.ring.revocations)
        for record in document.ring.records.values():
            if record.purpose == "witness":
                key = CosignerKey(witness_name(document.organisation), record.public)
                period = (record.not_before, record.not_after)
                found[record.kid] = Witness(key, document.organisation, period)
    return tuple(witness for kid, witness in found.items() if kid not in revoked)
