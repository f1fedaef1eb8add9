"""Partners that a person decided to go on without when this node was settled last.

The rule of this file: the log says it. The decision holds for the daily comparison until the node
is restored again, so that a node does not stop over what was decided when it was started.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.audit import schema
from protocol.leaf import AdminActed, decode_leaf

if TYPE_CHECKING:
    from pathlib import Path

WITHOUT = "restore.without"
"""The operation of the `admin` leaf of such a decision; its subject is the partner."""

SETTLED = ("restore", "restore.after-loss")
"""The operations of the leaf that ends the settling, after those of the decisions."""


def left_out(log_file: Path) -> frozenset[str]:
    """Return the partners' names. Raises LogRefused's kinds."""
    decided: set[str] = set()
    last: frozenset[str] = frozenset()
    with schema.snapshot(log_file) as connection:
        rows = connection.execute(
            "SELECT l.data FROM facts f JOIN leaves l USING (idx) WHERE f.type = 'admin' "
            "ORDER BY f.idx"
        )
        for (raw,) in rows:
            act = decode_leaf(raw)
            if not isinstance(act, AdminActed):
                continue
            if act.operation == WITHOUT and act.subject is not None:
                decided.add(act.subject)
            elif act.operation in SETTLED:
                last, decided = frozenset(decided), set()
    return last
