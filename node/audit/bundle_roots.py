"""Whose root documents a bundle brings along, and which of them the auditor's fingerprints prove.

Rule of this file: a fingerprint that the auditor was told pins an organisation's root key, and only
then is a key known to be that organisation's. Without one, the bundle vouches for its own root
documents; they are checked against themselves, and `pinned` says that no more was known.
"""

from collections.abc import Sequence
from itertools import groupby

from keys.ring import KeyRing
from keys.words import fingerprint, same_words
from node.audit.findings import Findings
from protocol.log_keys import LogKeys
from protocol.log_terms import names_log_of
from protocol.root import RootDocument, RootRefused
from protocol.root_changes import log_keys
from protocol.root_history import claimed_histories, every_key, proved, read_claimed
from protocol.witness_policy import Witness, as_stated, witnesses_of


class BundleRoots:
    """The root documents of one bundle, by organisation; ``pinned`` are those that were proved.

    ``of_owner``: the fingerprints given that are of root keys of the log's owner.
    """

    def __init__(
        self, raws: Sequence[bytes], owner: str, given: Sequence[str], findings: Findings
    ) -> None:
        """``given``: fingerprints of root keys in words; what is wrong goes to ``findings``."""
        self.pinned: set[str] = set()
        self.of_owner: set[str] = set()
        self._owner, self._given, self._used = owner, given, set[str]()
        self._known: dict[str, list[RootDocument]] = {}
        try:
            for name, group in groupby(raws, key=lambda raw: read_claimed(raw).organisation):
                self._add(name, list(group), findings)
        except RootRefused as error:
            findings.add("root-unproved", f"a root document cannot be read: {error}")
        for words in given:
            if words not in self._used:
                detail = f"no root key here has the fingerprint {words!r}"
                why = "a part for one partner has the owner's and that partner's alone"
                findings.add("root-unproved", f"{detail}; {why}")
        if owner not in self._known:
            findings.add("root-unproved", f"there is no root document of {owner} that counts")

    @property
    def fingerprint(self) -> str | None:
        """The fingerprint, in words, of the root key with which the owner's documents begin."""
        known = self._known.get(self._owner)
        return " ".join(fingerprint(known[0].roots[0].record.public)) if known else None

    def ring_of(self, organisation: str) -> KeyRing | None:
        """Return all keys that an organisation's documents ever named; None for an unknown one."""
        known = self._known.get(organisation)
        return every_key(known) if known else None

    def log_keys(self, origin: str) -> LogKeys:
        """Return the keys that the owner's documents give its log."""
        return log_keys(self._known.get(self._owner, ()), origin)

    def partners_log_keys(self, organisation: str, origin: str) -> LogKeys | None:
        """Return the keys that a partner's documents give its log; None for an unknown one."""
        known = self._known.get(organisation)
        if not known or not names_log_of(origin, organisation):
            return None
        keys = log_keys(known, origin)
        return keys if keys.ranges else None

    def witnesses(self) -> tuple[Witness, ...]:
        """Return the witness keys of organisations whose root key has a fingerprint given."""
        return tuple(w for name in sorted(self.pinned) for w in witnesses_of(self._known[name]))

    def as_stated(self, told: Witness) -> Witness | None:
        """Return a witness whose key was given as its documents here state it; None if revoked.

        Also by documents that no fingerprint proves: a false one can only take from the verdict.
        """
        return as_stated(told, self._known.get(told.organisation, ()))

    def _add(self, name: str, raws: list[bytes], findings: Findings) -> None:
        pinning = {
            words
            for raw in raws
            for key in read_claimed(raw).roots
            for words in self._given
            if same_words(" ".join(fingerprint(key.record.public)), words)
        }
        first = {key.record.public for key in read_claimed(raws[0]).roots}
        self._used |= pinning
        self.of_owner |= pinning if name == self._owner else set()
        try:
            if pinning:
                self._known[name] = proved(raws, lambda public: _is_one_of(public, pinning))
                self.pinned.add(name)
            elif name == self._owner:
                self._known[name] = proved(raws, first.__contains__)
            else:
                self._known[name] = claimed_histories(raws)
        except RootRefused as error:
            findings.add("root-unproved", f"{name}: {error}")


def _is_one_of(public: bytes, fingerprints: set[str]) -> bool:
    words = " ".join(fingerprint(public))
    return any(same_words(words, given) for given in fingerprints)
