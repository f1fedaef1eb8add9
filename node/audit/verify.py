"""`audit verify`: does the log prove what it says? Offline, from log.db and the partners' files.

Rule of this file: everything is derived again: each leaf's form and hash, the root, every
checkpoint's signature and root, the signature of every request that a leaf carries, the counters
from the leaves, the receipts that partners gave and the cosignatures of witnesses. A log that only
its owner signed can still have been rewritten as a whole before anybody else saw it: it is
``SELF-SIGNED``, as is one whose last leaves are not witnessed yet.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from node.audit import schema
from node.audit.cosigned_check import CosignedCheck
from node.audit.findings import Findings
from node.audit.fsck import Examination, Examined, Progress
from node.audit.leaf_checks import LeafChecks
from node.audit.request_check import RingOf
from node.audit.run_pool import Judging
from node.audit.seen_elsewhere import SeenElsewhere, compare
from node.audit.succession_check import Predecessor
from node.audit.verdict import Verdict, verdict_of
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
    the organisation itself, with retired keys; ``policy``: whose cosignatures count; ``seen``:
    checkpoints of the log that others hold (signed notes).
    """

    organisation: str | None
    log_key: VerifierKey | LogKeys | None
    ring_of: RingOf
    log_keys_of: LogKeysOf
    policy: WitnessPolicy = NOBODY
    seen: tuple[bytes, ...] = ()


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
    organisations make it so, ``parties``: with whom something was exchanged; ``seen``: what came of
    the checkpoints from elsewhere.
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
    seen: SeenElsewhere
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
    examination = Examination(path, connection, anchors.log_key, progress)
    findings = examination.findings
    checks = LeafChecks(path, connection, anchors, findings)
    examined = examination.run(checks, Judging(anchors.organisation))
    checks.end()
    cosigned = CosignedCheck(
        connection, examined.origin, examination.keys, anchors.policy, findings
    )
    witnessed = cosigned.size(checks.parties, anchors.organisation)
    seen = compare(connection, anchors.seen, examined.origin, examination.keys, findings)
    return Verification(
        verdict=verdict_of(findings, witnessed=0 < examined.size == witnessed),
        examined=examined,
        leaves=dict(sorted(checks.ledger.types.items())),
        requests=checks.requests.counts.checked,
        requests_bound=checks.requests.counts.bound,
        receipts_named=checks.receipts.named,
        receipts=checks.receipts.kept,
        receipts_proved=checks.receipts.proved,
        confirmed=checks.acknowledgements.confirmed,
        unconfirmed=checks.acknowledgements.waiting,
        receipts_witnessed=checks.receipts.witnessed,
        witnessed=witnessed,
        cosigned_by=cosigned.by(),
        needed=anchors.policy.needed,
        parties=frozenset(checks.parties.names),
        seen=seen,
        predecessor=checks.successions.found,
    )
