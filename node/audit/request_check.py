"""Does the signed request in a leaf say what the leaf says?

Rule of this file: a responder cannot invent a question, so each leaf of one carries the asker's
signature over method, authority, path, digest, sender and addressee; here the signature is verified
and each of these is compared with the leaf. Which organisation a key belongs to is known only where
its root document is (`bound`).
"""

import base64
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from keys.ring import KeyRecord, KeyRing
from node.audit.findings import Findings
from node.audit.signature_pool import BATCH, SignaturePool, Signed
from protocol.evidence import UNVERIFIED
from protocol.leaf import AnyLeaf, MalformedLeaf, Sent
from protocol.limits import CLOCK_SKEW_S

RingOf = Callable[[str], KeyRing | None]
"""organisation -> its keys by its newest accepted root document, ``None`` if it is unknown."""

_CREATED = re.compile(r";created=(\d{1,16})(?:;|$)")
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")


@dataclass
class Requests:
    """How many requests were checked, and of how many the key is in a known root document."""

    checked: int = 0
    bound: int = 0


@dataclass(frozen=True, slots=True)
class Bound:
    """How many requests one key signed, and the leaves' first and last second."""

    requests: int
    first: int
    last: int

    def and_also(self, more: "Bound") -> "Bound":
        """Return both together."""
        first, last = min(self.first, more.first), max(self.last, more.last)
        return Bound(self.requests + more.requests, first, last)

    def within(self, record: KeyRecord) -> bool:
        """Whether the key may sign questions, and might at each of these seconds."""
        signs = record.purpose == "sign"
        return signs and record.not_before <= self.first and self.last < record.not_after


@dataclass(frozen=True, slots=True)
class _Request:
    index: int
    leaf: AnyLeaf
    kid: str
    signed: Signed


class RequestCheck:
    """Checks every leaf that carries a request: ``look`` at each, then ``end``.

    Signatures are checked in batches, on all cores where there are many (signature_pool.py).
    """

    def __init__(
        self,
        organisation: str | None,
        ring_of: RingOf,
        findings: Findings,
        pool: SignaturePool | None = None,
    ) -> None:
        """``organisation``: whose log it is; ``None`` leaves its name unchecked."""
        self.counts = Requests()
        self._own, self._ring_of, self._findings = organisation, ring_of, findings
        self._signatures: set[int] = set()
        self._pool = pool or SignaturePool()
        self._gathered: list[_Request] = []
        self._given: deque[list[_Request]] = deque()

    def look(self, index: int, leaf: AnyLeaf) -> None:
        """Check one leaf, now or later; leaves without a request are none of its business."""
        evidence = getattr(leaf, "evidence", None)
        if evidence is None:
            return
        self.counts.checked += 1
        kid: str = leaf.key  # type: ignore[union-attr]  # every leaf with evidence names its key
        try:
            signed = evidence.signed_by(kid)
        except MalformedLeaf as error:
            self._findings.add("request-unproved", str(error), index)
            return
        self._gathered.append(_Request(index, leaf, kid, signed))
        if len(self._gathered) >= BATCH:
            self._give()

    def end(self) -> None:
        """Check what is left; call it once all leaves were looked at."""
        try:
            self._finish()
        finally:
            self._pool.close()

    def take_over(
        self, signatures: list[bytes], bound: dict[tuple[str | None, str], Bound]
    ) -> bool:
        """Count requests that were checked elsewhere, of leaves after all that were looked at.

        ``bound``: by (signer, key id). False, and nothing is counted, where one of them was seen
        before or its key was not allowed to sign: then its leaf is to be looked at.
        """
        self._finish()
        seen = set(map(hash, signatures))
        if len(seen) < len(signatures) or not seen.isdisjoint(self._signatures):
            return False
        records = [(self._record(*key), some) for key, some in bound.items()]
        known = [(record, some) for record, some in records if record is not None]
        if not all(some.within(record) for record, some in known):
            return False
        self._signatures |= seen
        self.counts.checked += len(signatures)
        self.counts.bound += sum(some.requests for _, some in known)
        return True

    def _finish(self) -> None:
        """Check what was looked at and is still waiting."""
        if self._gathered:
            self._give()
        while self._given:
            self._take()

    def _give(self) -> None:
        self._pool.give([one.signed for one in self._gathered])
        self._given.append(self._gathered)
        self._gathered = []
        while self._pool.is_full:
            self._take()

    def _take(self) -> None:
        for one, verified in zip(self._given.popleft(), self._pool.take(), strict=True):
            if verified:
                self._compare(one)
            else:
                self._findings.add("request-unproved", UNVERIFIED, one.index)

    def _compare(self, one: _Request) -> None:
        """Compare a request that verifies with its leaf, with the others and with known keys."""
        index, leaf = one.index, one.leaf
        seen = hash(one.signed[1])  # 64 bits: a million signatures fit into memory
        if seen in self._signatures:
            self._findings.add("request-repeated", "another leaf rests on the same request", index)
        self._signatures.add(seen)
        for what in differences(leaf, self._own):
            self._findings.add(
                "request-differs", f"the request was signed for another {what}", index
            )
        self._bind(index, leaf, one.kid)

    def _bind(self, index: int, leaf: AnyLeaf, kid: str) -> None:
        signer = self._own if isinstance(leaf, Sent) else leaf.peer
        record = self._record(signer, kid)
        if record is None:
            return
        self.counts.bound += 1
        if not Bound(1, leaf.at, leaf.at).within(record):
            self._findings.add(
                "request-unproved", f"{signer} did not allow this key to sign then", index
            )

    def _record(self, signer: str | None, kid: str) -> KeyRecord | None:
        """Find a key; None where its owner is no partner any more, or its keys have changed."""
        ring = self._ring_of(signer) if signer else None
        return ring.records.get(kid) if ring else None


def differences(leaf: AnyLeaf, own: str | None) -> list[str]:
    """Name what the signed components say otherwise than the leaf."""
    evidence = leaf.evidence  # type: ignore[union-attr]  # the caller has looked
    here, there = (own, leaf.peer) if isinstance(leaf, Sent) else (leaf.peer, own)
    differing = []
    if here is not None and evidence.component("interlingua-from") != here:
        differing.append("sender")
    if there is not None and evidence.component("interlingua-to") != there:
        differing.append("addressee")
    if _digest(evidence.component("content-digest")) != leaf.query:  # type: ignore[union-attr]  # as above
        differing.append("body")
    created = _CREATED.search(evidence.signature_input)
    if created is None or int(created.group(1)) > leaf.at + CLOCK_SKEW_S:
        differing.append("time")
    return differing


def _digest(value: str | None) -> str | None:
    found = _DIGEST.fullmatch(value or "")
    return f"sha256:{base64.b64decode(found.group(1)).hex()}" if found else None
