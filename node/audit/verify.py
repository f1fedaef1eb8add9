"""`audit verify`: does the log prove what it says? Offline, from log.db and the partners' files.

Rule of this file: everything is derived again: each leaf's form and hash, the root, every
checkpoint's signature and root, the signature of every request that a leaf carries, the counters
from the leaves, the receipts that partners gave and the cosignatures of witnesses. A log that only
its owner signed can still have been rewritten as a whole before anybody else saw it: it is
``SELF-SIGNED``, as is one whose last leaves are not witnessed yet.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from node.audit import schema
from node.audit.acknowledgement_check import AcknowledgementCheck
from node.audit.cosigned_check import CosignedCheck
from node.audit.entry import RESET
from node.audit.findings import Findings
from node.audit.fsck import Examination, Examined, Progress
from node.audit.receipts import ReceiptCheck
from node.audit.request_check import RequestCheck, RingOf
from node.audit.succession_check import Predecessor, SuccessionCheck
from node.audit.verdict import Parties, Verdict, verdict_of
from protocol.leaf import AdminActed, AnyLeaf, MalformedLeaf, Received, decode_leaf
from protocol.log_keys import LogKeys
from protocol.note import VerifierKey
from protocol.witness_policy import NOBODY, WitnessPolicy

LogKeysOf = Callable[[str, str], LogKeys | None]
"""(organisation, log origin) -> the keys that it ever had for its log; ``None`` if unknown."""


@dataclass(frozen=True)
class Anchors:
    """What the auditor knows without the log: names and keys.

    ``organisation``: whose log it is; ``log_key``: one key that signed it, or all with their terms
    (``None`` believes the log's own statement); ``ring_of`` and ``log_keys_of``: of partners and of
    the organisation itself, with retired keys; ``policy``: whose cosignatures count.
    """

    organisation: str | None
    log_key: VerifierKey | LogKeys | None
    ring_of: RingOf
    log_keys_of: LogKeysOf
    policy: WitnessPolicy = NOBODY


@dataclass(frozen=True)
class Verification:
    """The verdict with what it rests on.

    ``leaves``: how many of each type; ``requests``: signed requests that verified or are findings,
    ``requests_bound``: those whose key is in a known root document; ``receipts_named``: partners'
    receipts that leaves name, ``receipts``: those kept, ``receipts_proved``: those that a known log
    key proves, ``receipts_witnessed``: those of them that enough others cosigned; ``confirmed``:
    answers that partners acknowledged, ``unconfirmed``: those that they did not; ``predecessor``:
    the log that this one succeeds. ``witnessed``: how many leaves, from the first on, are witnessed
    for every exchange, ``cosigned_by``: by whom and when last (epoch seconds), ``needed``: how many
    organisations make it so, ``parties``: with whom something was exchanged.
    """

    verdict: Verdict
    examined: Examined
    leaves: dict[str, int]
    requests: int
    requests_bound: int
    receipts_named: int
    receipts: int
    receipts_proved: int
    confirmed: int
    unconfirmed: int
    receipts_witnessed: int
    witnessed: int
    cosigned_by: dict[str, int]
    needed: int
    parties: frozenset[str]
    predecessor: Predecessor | None = None

    @property
    def findings(self) -> Findings:
        """What is wrong."""
        return self.examined.findings


def verify_log(path: Path, anchors: Anchors, progress: Progress) -> Verification:
    """Verify log.db as it is at this moment, also while its node runs.

    Raises LogDamaged, LogTooNew or LogUnavailable where it cannot be read at all.
    """
    with schema.snapshot(path) as connection:
        return _verify(path, connection, anchors, progress)


def _verify(
    path: Path, connection: sqlite3.Connection, anchors: Anchors, progress: Progress
) -> Verification:
    examination = Examination(connection, anchors.log_key, progress)
    findings = examination.findings
    requests = RequestCheck(anchors.organisation, anchors.ring_of, findings)
    receipts = ReceiptCheck(connection, anchors, findings)
    parties = Parties()
    owner, keys_of = anchors.organisation, anchors.log_keys_of
    successions = SuccessionCheck(
        path.parent, lambda origin: keys_of(owner, origin) if owner else None, findings
    )
    acknowledgements = AcknowledgementCheck(findings, whole=True)
    ledger = Ledger()

    def each(index: int, data: bytes) -> None:
        try:
            leaf = decode_leaf(data)
        except MalformedLeaf as error:
            findings.add("leaf-malformed", str(error), index)
            return
        requests.look(index, leaf)
        parties.look(leaf)
        successions.look(index, leaf)
        acknowledgements.look(index, leaf)
        if isinstance(leaf, Received):
            receipts.look(index, leaf)
        ledger.enter(leaf)

    examined = examination.run(each)
    requests.end()
    receipts.look_for_strays()
    ledger.compare(connection, findings)
    cosigned = CosignedCheck(
        connection, examined.origin, examination.keys, anchors.policy, findings
    )
    witnessed = cosigned.size(parties, owner)
    return Verification(
        verdict=verdict_of(findings, witnessed=0 < examined.size == witnessed),
        examined=examined,
        leaves=dict(sorted(ledger.types.items())),
        requests=requests.counts.checked,
        requests_bound=requests.counts.bound,
        receipts_named=receipts.named,
        receipts=receipts.kept,
        receipts_proved=receipts.proved,
        confirmed=acknowledgements.confirmed,
        unconfirmed=acknowledgements.waiting,
        receipts_witnessed=receipts.witnessed,
        witnessed=witnessed,
        cosigned_by=cosigned.by(),
        needed=anchors.policy.needed,
        parties=frozenset(parties.names),
        predecessor=successions.found,
    )


class Ledger:
    """Adds up what the leaves say was debited, and compares it with the counters."""

    def __init__(self) -> None:
        self.types: Counter[str] = Counter()
        self._charged: Counter[tuple[str, str]] = Counter()
        self._exposed: Counter[tuple[str, str]] = Counter()

    def enter(self, leaf: AnyLeaf) -> None:
        """Add one leaf."""
        self.types[leaf.type] += 1
        if isinstance(leaf, AdminActed) and leaf.operation == RESET:
            self._forget(leaf.peer or "", leaf.subject)
            return
        scope = (leaf.peer or "", getattr(leaf, "collection", None) or "")
        self._charged[scope] += getattr(leaf, "charged", None) or 0
        self._exposed[scope] += getattr(leaf, "exposed", None) or 0

    def _forget(self, peer: str, collection: str | None) -> None:
        """What was debited before a reset stands in no counter any more."""
        for told in (self._charged, self._exposed):
            for scope in [s for s in told if s[0] == peer and collection in (None, s[1])]:
                del told[scope]

    def compare(self, connection: sqlite3.Connection, findings: Findings) -> None:
        """Compare with the tables that budgets and exposure limits rest on."""
        for what, table, told in (
            ("debited queries", "queries", self._charged),
            ("counted exposures", "exposures", self._exposed),
        ):
            rows = connection.execute(
                f"SELECT peer, collection, sum(n) FROM {table} GROUP BY peer, collection"  # noqa: S608 - one of two names above
            )
            held = {(str(peer), str(collection)): int(n) for peer, collection, n in rows}
            for scope in sorted(held.keys() | told.keys()):
                if held.get(scope, 0) != told[scope]:
                    findings.add(
                        "counters-differ",
                        f"{scope[0]}, {scope[1]}: {held.get(scope, 0)} {what}, the leaves say "
                        f"{told[scope]}",
                    )
