"""Partners' receipts: the ones this log kept, and single ones from a file.

Rule of this file: a receipt counts only together with the leaf it is for; both are checked against
what was received, so that neither side can exchange them later. Leaf and receipt are written in one
transaction: a leaf that names a receipt which is gone is a finding, not an old log.

A receipt file is what an answer's body ends with: the leaf (base64), LF, the tlog-proof. The whole
body is accepted too; then the payload line in front must be the one that the leaf's digest names.
"""

import base64
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from node.audit import cosigned_rows, schema, tree_rows
from node.audit.findings import Findings
from node.audit.verdict import Verdict
from protocol.canonical import digest
from protocol.leaf import AnyLeaf, MalformedLeaf, Received, decode_leaf
from protocol.log_errors import LogMaterialError, MalformedProof
from protocol.log_keys import LogKeys
from protocol.note import decode_base64
from protocol.tlog_proof import VerifiedReceipt, parse_proof, verify_receipt
from protocol.witness_policy import NOBODY, Witnessed, WitnessPolicy

if TYPE_CHECKING:
    from node.audit.verify import Anchors


class ReceiptCheck:
    """Checks each ``received`` leaf against the receipt that was kept with it."""

    def __init__(
        self, connection: sqlite3.Connection, anchors: "Anchors", findings: Findings
    ) -> None:
        self.named = 0
        self.kept = 0
        self.proved = 0
        self.witnessed = 0
        self._connection, self._anchors, self._findings = connection, anchors, findings

    def look(self, index: int, leaf: Received) -> None:
        """Check one ``received`` leaf."""
        if leaf.receipt is None:
            return
        self.named += 1
        row = self._connection.execute(
            "SELECT leaf, proof FROM kept_receipts WHERE idx = ?", (index,)
        ).fetchone()
        if row is None:
            detail = f"{leaf.peer}: the receipt that this leaf names is not kept here"
            self._findings.add("receipt-missing", detail, index)
            return
        self.kept += 1
        raw, proof = bytes(row[0]), bytes(row[1])
        if digest(raw) != leaf.receipt.leaf:
            self._findings.add("receipt-invalid", "the kept leaf is not the one received", index)
            return
        log_keys = self._anchors.log_keys_of(leaf.peer, leaf.receipt.origin)
        if log_keys is None:
            return  # no log key of the partner is known here
        self._prove(index, leaf, raw, proof, log_keys)

    def _prove(
        self,
        index: int,
        leaf: Received,
        raw: bytes,
        proof: bytes,
        log_keys: LogKeys,
    ) -> None:
        """Prove a receipt under the keys that the partner's log ever had, each for its term."""
        try:
            proved = verify_receipt(raw, proof, log_keys, log_keys.origin)
            problem = contradiction(leaf, decode_leaf(raw), proved)
        except LogMaterialError as error:
            problem = str(error)
        if problem:
            self._findings.add("receipt-invalid", f"{leaf.peer}: {problem}", index)
        else:
            self.proved += 1
            self._look_for_witnesses(index, leaf, raw, log_keys)

    def _look_for_witnesses(self, index: int, leaf: Received, raw: bytes, keys: LogKeys) -> None:
        """Check the proof under a cosigned tree that followed the receipt, where one has."""
        proof = cosigned_rows.receipt(self._connection, index)
        if proof is None:
            return
        policy, own = self._anchors.policy, self._anchors.organisation
        try:
            verify_receipt(raw, proof, keys, keys.origin)
            judged = policy.judge(parse_proof(proof).checkpoint, own, leaf.peer)
        except LogMaterialError as error:
            detail = f"{leaf.peer}: the witnessed proof that followed: {error}"
            self._findings.add("receipt-invalid", detail, index)
            return
        self.witnessed += judged.enough

    def look_for_strays(self) -> None:
        """Every kept receipt belongs to a ``received`` leaf."""
        stray = self._connection.execute(
            "SELECT k.idx FROM kept_receipts k LEFT JOIN facts f USING (idx) "
            "WHERE f.type IS NULL OR f.type != 'received'"
        )
        for (index,) in stray:
            self._findings.add("receipt-invalid", "a receipt without its `received` leaf", index)


def contradiction(ours: Received, theirs: AnyLeaf, proved: VerifiedReceipt) -> str | None:
    """Say what a receipt tells otherwise than the ``received`` leaf does; None if nothing."""
    stated, head = ours.receipt, proved.checkpoint
    place = (proved.index, head.size, f"sha256:{head.root.hex()}")
    if stated is None or (stated.index, stated.size, stated.root) != place:
        return "the receipt is for another place or tree"
    if getattr(theirs, "query", None) != ours.query:
        return "the partner's leaf is for another query"
    if getattr(theirs, "answer", None) != ours.answer:
        return "the partner's leaf is for another answer"
    return None


def kept_receipt(connection: sqlite3.Connection, index: int) -> tuple[bytes, bytes] | None:
    """Return leaf and proof of a partner's receipt, None where none was kept with the leaf."""
    row = connection.execute(
        "SELECT leaf, proof FROM kept_receipts WHERE idx = ?", (index,)
    ).fetchone()
    return (bytes(row[0]), bytes(row[1])) if row else None


def receipt_file(leaf: bytes, proof: bytes) -> bytes:
    """Return a receipt as it is written to a file."""
    return base64.b64encode(leaf) + b"\n" + proof


def export_receipt(path: Path, index: int) -> bytes:
    """Return a receipt file: the partner's for a ``received`` leaf, this log's own for any other.

    Under a checkpoint that witnesses cosigned, where there is one that covers the leaf.

    Raises LookupError where there is no such leaf or its receipt was not kept, and the errors of
    ``schema.snapshot``.
    """
    with schema.snapshot(path) as connection:
        row = connection.execute("SELECT type FROM facts WHERE idx = ?", (index,)).fetchone()
        if row is None:
            raise LookupError(f"the log has no leaf {index}")
        if row[0] == "received":
            kept = kept_receipt(connection, index)
            if kept is None:
                raise LookupError(f"leaf {index} was received without a receipt")
            raw = kept[0]
            proof = cosigned_rows.receipt(connection, index) or kept[1]
        else:
            raw, proof = tree_rows.receipt(
                connection, index, cosigned_rows.covering(connection, index)
            )
        return receipt_file(raw, proof)


@dataclass(frozen=True)
class CheckedReceipt:
    """A receipt that proves its leaf; ``payload_checked``: the answer itself was in the file.

    ``witnessed``: who cosigned its tree, other than the two parties.
    """

    leaf: AnyLeaf
    index: int
    size: int
    root: bytes
    payload_checked: bool
    witnessed: Witnessed

    @property
    def verdict(self) -> Verdict:
        """What the receipt is worth."""
        return "WITNESSED" if self.witnessed.enough else "SELF-SIGNED"


def checkpoint_in(content: bytes) -> bytes:
    """Return the checkpoint in a receipt file, unverified; MalformedProof where there is none."""
    return parse_proof(split_receipt(content)[2]).checkpoint


def check_receipt(
    content: bytes, log_keys: LogKeys, policy: WitnessPolicy = NOBODY
) -> CheckedReceipt:
    """Check one receipt file against the keys of the log that must have issued it.

    Neither the log's owner nor the partner that the leaf names counts as a witness.

    Raises a LogMaterialError that names what is wrong.
    """
    payload, raw, proof = split_receipt(content)
    proved = verify_receipt(raw, proof, log_keys, log_keys.origin)
    leaf = decode_leaf(raw)
    if payload is not None and digest(payload) != getattr(leaf, "answer", None):
        raise MalformedLeaf("the payload line is not the answer that the leaf names")
    head = proved.checkpoint
    owner = log_keys.origin.partition("/")[0]
    witnessed = policy.judge(parse_proof(proof).checkpoint, owner, leaf.peer)
    return CheckedReceipt(leaf, proved.index, head.size, head.root, payload is not None, witnessed)


def split_receipt(content: bytes) -> tuple[bytes | None, bytes, bytes]:
    """Return payload line (if there is one), leaf and proof of a receipt; MalformedProof."""
    payload: bytes | None = None
    if content.startswith(b"{"):
        payload, _, content = content.partition(b"\n")
    encoded, newline, proof = content.partition(b"\n")
    try:
        raw = decode_base64(encoded.decode("ascii"))
    except UnicodeDecodeError:
        raw = None
    if raw is None or not newline:
        raise MalformedProof("a receipt is the leaf in base64, a newline and the tlog-proof")
    return payload, raw, proof
