"""What the leaves say was debited, against the counters that budgets and exposure limits rest on.

Rule of this file: only leaves are believed. They come in the order of the log, because a reset
forgets what was debited before it.
"""

import sqlite3
from collections import Counter

from node.audit.entry import RESET
from node.audit.findings import Findings
from protocol.leaf import AdminActed, AnyLeaf


class Ledger:
    """Adds up what the leaves say was debited, and compares it with the counters."""

    def __init__(self) -> None:
        self.types: Counter[str] = Counter()
        self._charged: Counter[tuple[str, str]] = Counter()
        self._exposed: Counter[tuple[str, str]] = Counter()

    def debit(self, scope: tuple[str, str], charged: int, exposed: int) -> None:
        """Add what leaves of one partner and collection charged and exposed together."""
        self._charged[scope] += charged
        self._exposed[scope] += exposed

    def enter(self, leaf: AnyLeaf) -> None:
        """Add one leaf."""
        self.types[leaf.type] += 1
        if isinstance(leaf, AdminActed) and leaf.operation == RESET:
            self._forget(leaf.peer or "", leaf.subject)
            return
        scope = (leaf.peer or "", getattr(leaf, "collection", None) or "")
        self.debit(scope, getattr(leaf, "charged", None) or 0, getattr(leaf, "exposed", None) or 0)

    def _forget(self, peer: str, collection: str | None) -> None:
        """What was debited before a reset stands in no counter any more."""
        for told in (self._charged, self._exposed):
            for scope in [s for s in told if s[0] == peer and collection in (None, s[1])]:
                del told[scope]

    def compare(self, connection: sqlite3.Connection, findings: Findings) -> None:
        """Compare with the tables that budgets and exposure limits rest on."""
        for what, table, told in (
            ("debited queries", "queries", self._charged),
            ("counted exposures", "exposure_sums", self._exposed),
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
