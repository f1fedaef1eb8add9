"""Everything that `audit verify` looks at in leaves, in the order of the log.

Rule of this file: a run of leaves that was judged elsewhere (node/audit/judged.py) is taken as a
whole only where it leads to what its leaves would lead to one by one, and to no finding that
depends on leaves before it; otherwise nothing of it is taken.
"""

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from node.audit.acknowledgement_check import AcknowledgementCheck
from node.audit.entry import RESET
from node.audit.findings import Findings
from node.audit.judged import Judged
from node.audit.ledger import Ledger
from node.audit.receipts import ReceiptCheck
from node.audit.request_check import RequestCheck
from node.audit.succession_check import SuccessionCheck
from node.audit.verdict import Parties
from protocol.leaf import AnyLeaf, MalformedLeaf, Received, decode_leaf

if TYPE_CHECKING:
    from node.audit.verify import Anchors

_RESET = RESET.encode()


class LeafChecks:
    """Sees every leaf once: alone by ``leaf``, or with others by ``run``; then ``end``."""

    def __init__(
        self, path: Path, connection: sqlite3.Connection, anchors: "Anchors", findings: Findings
    ) -> None:
        owner, keys_of = anchors.organisation, anchors.log_keys_of
        self._connection, self._findings = connection, findings
        self.requests = RequestCheck(owner, anchors.ring_of, findings)
        self.receipts = ReceiptCheck(connection, anchors, findings)
        self.parties = Parties()
        self.successions = SuccessionCheck(
            path.parent, lambda origin: keys_of(owner, origin) if owner else None, findings
        )
        self.acknowledgements = AcknowledgementCheck(findings, whole=True)
        self.ledger = Ledger()

    def leaf(self, index: int, data: bytes) -> None:
        """Look at one leaf."""
        try:
            leaf = decode_leaf(data)
        except MalformedLeaf as error:
            self._findings.add("leaf-malformed", str(error), index)
            return
        self.requests.look(index, leaf)
        self._enter(index, leaf)

    def run(self, judged: Judged | None) -> bool:
        """Take what the leaves of a run say; False where they are to be looked at one by one."""
        if judged is None or any(_RESET in raw for _, raw in judged.others):
            return False
        try:
            others = [(index, decode_leaf(raw)) for index, raw in judged.others]
        except MalformedLeaf:
            return False
        if not self.requests.take_over(judged.signatures, judged.bound):
            return False
        for (type_, peer, collection), (leaves, charged, exposed) in judged.debits.items():
            self.ledger.types[type_] += leaves
            self.ledger.debit((peer, collection), charged, exposed)
            self.parties.names.add(peer)
        self._enter_in_order(judged.answers, others)
        return True

    def _enter_in_order(
        self, answers: list[tuple[int, str, str]], others: list[tuple[int, AnyLeaf]]
    ) -> None:
        """An acknowledgement confirms what was answered before it, and nothing after."""
        told = iter(answers)
        answer = next(told, None)
        for index, leaf in others:
            while answer is not None and answer[0] < index:
                self.acknowledgements.wait(*answer)
                answer = next(told, None)
            self._enter(index, leaf)
        while answer is not None:
            self.acknowledgements.wait(*answer)
            answer = next(told, None)

    def end(self) -> None:
        """Finish once all leaves were seen."""
        self.requests.end()
        self.receipts.look_for_strays()
        self.ledger.compare(self._connection, self._findings)

    def _enter(self, index: int, leaf: AnyLeaf) -> None:
        """Look at everything but the request."""
        self.parties.look(leaf)
        self.successions.look(index, leaf)
        self.acknowledgements.look(index, leaf)
        if isinstance(leaf, Received):
            self.receipts.look(index, leaf)
        self.ledger.enter(leaf)
