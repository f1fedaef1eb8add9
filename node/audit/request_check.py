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

from keys.ring import KeyRing
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
            self._give()
            while self._given:
                self._take()
        finally:
            self._pool.close()

    def _give(self) -> None:
        self._pool.give([one.signed for one in self._gathered])
        self._given.append(self._gathered)
        self._gathered = []
        while self._pool.is_full:
            self._take()

    def _take(self) -> None:
        for one, verified in zip(self._given.popleft(), self._pool.take(), strict=True):
            if verified:
                self._compare(one.index, one.leaf, one.kid)
            else:
                self._findings.add("request-unproved", UNVERIFIED, one.index)

    def _compare(self, index: int, leaf: AnyLeaf, kid: str) -> None:
        """Compare a request that verifies with its leaf, with the others and with known keys."""
        evidence = leaf.evidence  # type: ignore[union-attr]  # the caller has looked
        seen = hash(evidence.signature)  # 64 bits: a million signatures fit into memory
        if seen in self._signatures:
            self._findings.add("request-repeated", "another leaf rests on the same request", index)
        self._signatures.add(seen)
        for what in _differences(leaf, self._own):
            self._findings.add(
                "request-differs", f"the request was signed for another {what}", index
            )
        self._bind(index, leaf, kid)

    def _bind(self, index: int, leaf: AnyLeaf, kid: str) -> None:
        signer = self._own if isinstance(leaf, Sent) else leaf.peer
        ring = self._ring_of(signer) if signer else None
        record = ring.records.get(kid) if ring else None
        if record is None:  # not a partner any more, or its keys have changed since
            return
        self.counts.bound += 1
        if record.purpose != "sign" or not record.not_before <= leaf.at < record.not_after:
            self._findings.add(
                "request-unproved", f"{signer} did not allow this key to sign then", index
            )


def _differences(leaf: AnyLeaf, own: str | None) -> list[str]:
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
