"""Are the cosigned checkpoints that lie beside a log of this log, and whose cosignatures count?

Rule of this file: a cosigned checkpoint counts where the log itself holds the same one, which the
walk compares with the leaves; one that the log's key signed for another tree is a fork.
"""

import sqlite3

from node.audit import cosigned_rows
from node.audit.findings import Findings
from node.audit.verdict import Parties
from protocol.checkpoint import open_checkpoint
from protocol.log_errors import LogMaterialError
from protocol.log_keys import LogKeys
from protocol.note import parse_note
from protocol.witness_policy import Witnessed, WitnessPolicy


class CosignedCheck:
    """Checks what is kept when it is made; then tells how far the log is witnessed."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        origin: str,
        keys: LogKeys | None,
        policy: WitnessPolicy,
        findings: Findings,
    ) -> None:
        """`keys`: those of the log as far as they are believed; None checks nothing."""
        self._connection, self._origin, self._findings = connection, origin, findings
        self._policy = policy
        self._judged: list[tuple[int, Witnessed]] = []
        if keys is not None:
            for kept in cosigned_rows.checkpoints(connection):
                self._look(kept.size, kept.note, keys)

    def by(self) -> dict[str, int]:
        """Return who has cosigned some tree of this log, and when last (epoch seconds)."""
        found: dict[str, int] = {}
        for _, judged in self._judged:
            for name, at in judged.by.items():
                found[name] = max(at, found.get(name, 0))
        return found

    def size(self, parties: Parties, owner: str | None) -> int:
        """Return how many leaves from the first on are witnessed for every exchange."""
        sizes = (size for size, judged in self._judged if parties.suffice(judged, owner))
        return max(sizes, default=0)

    def _look(self, size: int, note: bytes, keys: LogKeys) -> None:
        try:
            head = open_checkpoint(note, self._origin, keys)
            judged = self._policy.judge(note)
        except LogMaterialError as error:
            self._findings.add("cosigned-invalid", f"cosigned checkpoint of {size} leaves: {error}")
            return
        row = self._connection.execute(
            "SELECT note FROM checkpoints WHERE size = ?", (head.size,)
        ).fetchone()
        if row is not None and parse_note(row[0]).text == parse_note(note).text:
            self._judged.append((head.size, judged))
        else:
            detail = f"a cosigned checkpoint of {head.size} leaves is not of this log"
            self._findings.add("log-forked", detail)
