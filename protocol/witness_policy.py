"""Whose cosignatures count, and how many of them make a checkpoint `WITNESSED`.

Rule of this file: organisations are counted, not keys; neither party of an exchange is a witness of
it; a cosignature counts where its key was valid at the time that it states, and was not revoked:
whoever stole a key also chooses the times it signs. That holds too for a key that somebody told of,
as far as its organisation's root documents are at hand (`as_stated`).

A cosignature does not sign the name in front of it (C2SP tlog-cosignature), so a cosignature proves
nobody to be who holds its key: a line can be shown again under another name. What proves it is the
key's signature on a root document that names it. Organisations that name one key are one hand:
together they count once, and not at all where one of them is a party. But where one of them has
proved to hold the key, those that have not are left out, so that nobody stops a witness by naming
its key. Where none has, as with documents of former releases, all are believed to the same degree.
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
    """One key of a witness and the times (epoch seconds) at which it counts; None: at any.

    `held`: whether the organisation has proved to hold the key (`RootDocument.held`).
    """

    key: CosignerKey
    organisation: str
    valid: tuple[int, int] | None = None
    held: bool = False

    def counts_at(self, at: int) -> bool:
        """Whether a cosignature that states this time counts."""
        return self.valid is None or self.valid[0] <= at < self.valid[1]


@dataclass(frozen=True)
class Witnessed:
    """What a note's cosignatures come to: organisation -> latest time that it states.

    `needed` organisations make it witnessed; `hands`: who else is believed to hold the key with
    which one of them cosigned, itself included; absent where nobody is.
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
            name, hand = witness.organisation, holders[said.key.public]
            if witness.counts_at(said.at) and name in hand:
                found[name] = max(said.at, found.get(name, 0))
                hands[name] = min(hand, hands.get(name, hand), key=len)
        return Witnessed(found, self.needed, hands).without(*parties)

    def named_together(self) -> tuple[frozenset[str], ...]:
        """Return the organisations of one hand with others, one set for each such hand."""
        return tuple({hand for hand in self._holders().values() if len(hand) > 1})

    def borrowers(self) -> dict[str, frozenset[str]]:
        """Return who names a key that others proved to hold and it did not, and those others."""
        holders = self._holders()
        return {
            each.organisation: holders[each.key.public]
            for each in self.witnesses
            if each.organisation not in holders[each.key.public]
        }

    def _holders(self) -> dict[bytes, frozenset[str]]:
        """Who is believed to hold each public key: who proved it, else all that name it."""
        named: dict[bytes, set[str]] = defaultdict(set)
        proved: dict[bytes, set[str]] = defaultdict(set)
        for witness in self.witnesses:
            named[witness.key.public].add(witness.organisation)
            if witness.held:
                proved[witness.key.public].add(witness.organisation)
        return {public: frozenset(proved[public] or names) for public, names in named.items()}


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
    name it makes it valid. Which of them its key signed counts too, whoever made the document.
    """
    kid, stated = thumbprint(told.key.public), told
    for document in documents:
        if kid in document.ring.revocations:
            return None
        record = document.ring.records.get(kid)
        if record is not None and record.purpose == "witness":
            valid, held = (record.not_before, record.not_after), stated.held or kid in document.held
            stated = replace(told, valid=valid, held=held)
    return stated


def witnesses_of(documents: Iterable[RootDocument]) -> tuple[Witness, ...]:
    """Return the witness keys of one organisation's root documents, oldest first.

    Each with the validity that the newest version to name it gives, without those revoked since.
    """
    found: dict[str, Witness] = {}
    revoked: set[str] = set()
    held: set[str] = set()
    for document in documents:
        revoked |= set(document.ring.revocations)
        held |= document.held
        for record in document.ring.records.values():
            if record.purpose == "witness":
                key = CosignerKey(witness_name(document.organisation), record.public)
                period = (record.not_before, record.not_after)
                proved = record.kid in held
                found[record.kid] = Witness(key, document.organisation, period, proved)
    return tuple(witness for kid, witness in found.items() if kid not in revoked)
