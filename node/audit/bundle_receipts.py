"""The receipts that a bundle brings along with its `received` leaves.

Rule of this file: a receipt is judged as one in log.db is (node/audit/receipts.py), under the log
keys in the partner's root documents of the same bundle. Where there are none, only what the two
leaves say of each other is compared. A proof that followed under a cosigned checkpoint must be of
the same leaf at the same place; who cosigned it counts as in log.db: neither party of the exchange.
"""

from node.audit.bundle_roots import BundleRoots
from node.audit.findings import Findings
from node.audit.receipts import contradiction, split_receipt
from protocol.canonical import digest
from protocol.checkpoint import parse_checkpoint
from protocol.leaf import AnyLeaf, Received, decode_leaf
from protocol.log_errors import LogMaterialError
from protocol.note import parse_note
from protocol.tlog_proof import VerifiedReceipt, parse_proof, verify_receipt
from protocol.witness_policy import WitnessPolicy


class BundleReceipts:
    """Counts the receipts that leaves name, and those that are there, proved and witnessed."""

    def __init__(
        self, roots: BundleRoots, findings: Findings, owner: str, policy: WitnessPolicy
    ) -> None:
        self.named = self.kept = self.proved = self.witnessed = 0
        self._roots, self._findings = roots, findings
        self._owner, self._policy = owner, policy

    def look(
        self, index: int, leaf: AnyLeaf, receipt: bytes | None, followed: bytes | None
    ) -> None:
        """Check one leaf with the receipt that stands behind it and the proof that followed."""
        if not isinstance(leaf, Received) or leaf.receipt is None:
            return
        self.named += 1
        if receipt is None:
            detail = f"{leaf.peer}: the receipt that this leaf names is not in the bundle"
            self._findings.add("receipt-missing", detail, index)
            return
        self.kept += 1
        try:
            problem = self._problem(leaf, receipt, leaf.receipt.origin)
            if problem is None and followed is not None:
                problem = self._followed(leaf, receipt, followed, leaf.receipt.origin)
        except LogMaterialError as error:
            problem = str(error)
        if problem is not None:
            self._findings.add("receipt-invalid", f"{leaf.peer}: {problem}", index)

    def _problem(self, leaf: Received, receipt: bytes, origin: str) -> str | None:
        _, raw, proof = split_receipt(receipt)
        if leaf.receipt is None or digest(raw) != leaf.receipt.leaf:
            return "its leaf is not the one received"
        keys = self._roots.partners_log_keys(leaf.peer, origin)
        if keys is None:  # nothing is proved; its checkpoint is read, and compared all the same
            parsed = parse_proof(proof)
            head = parse_checkpoint(parse_note(parsed.checkpoint).text)
            return contradiction(leaf, decode_leaf(raw), VerifiedReceipt(parsed.index, head))
        problem = contradiction(leaf, decode_leaf(raw), verify_receipt(raw, proof, keys, origin))
        self.proved += problem is None
        return problem

    def _followed(self, leaf: Received, receipt: bytes, proof: bytes, origin: str) -> str | None:
        """Check the proof that followed, and count it where enough have cosigned it."""
        parsed, keys = parse_proof(proof), self._roots.partners_log_keys(leaf.peer, origin)
        if leaf.receipt is None or parsed.index != leaf.receipt.index:
            return "the proof that followed is for another place"
        if keys is None:
            return None  # nothing is proved, and so nothing is witnessed
        verify_receipt(split_receipt(receipt)[1], proof, keys, origin)
        judged = self._policy.judge(parsed.checkpoint, self._owner, leaf.peer)
        self.witnessed += judged.enough
        return None
