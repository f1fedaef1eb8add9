"""A finished log, and a hand that changes its file behind everybody's back."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from node.audit.entry import Effects, Entry, KeptReceipt
from node.audit.fsck import Examined, fsck
from node.operations.registry import silent
from protocol.canonical import digest
from protocol.exchange_leaves import ReceiptFacts
from protocol.leaf import Answered, Received, decode_leaf
from protocol.tlog_proof import VerifiedReceipt, verify_receipt
from tests.node.audit.entries import ORIGIN, event, exchange, opened
from tests.protocol.leaf_samples import AT, SIGNER

LEAVES = 12


async def _write(path: Path, kept: bool) -> None:
    async with opened(path) as log:
        for number in range(4):
            await log.append(exchange(number))
        await asyncio.gather(*(log.append(event(str(number))) for number in range(7)))
        if kept:  # the log plays its own partner: a real receipt of a real log
            receipt = log.receipt(1)
            proved = verify_receipt(receipt.leaf, receipt.proof, log.verifier_key, ORIGIN)
            await log.append(received(receipt.leaf, receipt.proof, proved))
        else:
            await log.append(event("last"))


def received(leaf: bytes, proof: bytes, proved: VerifiedReceipt) -> Entry:
    """The entry of an answer that was received with this receipt."""
    theirs, head = decode_leaf(leaf), proved.checkpoint
    assert isinstance(theirs, Answered)
    facts = ReceiptFacts(
        origin=ORIGIN,
        index=proved.index,
        size=head.size,
        root=f"sha256:{head.root.hex()}",
        leaf=digest(leaf),
    )
    ours = Received(
        at=AT,
        peer="bank.example",
        query=theirs.query,
        key=SIGNER.kid,
        decision="answered",
        answer=theirs.answer,
        receipt=facts,
    )
    return Entry(ours, Effects(receipt=KeptReceipt("bank.example", leaf, proof)))


def log_file(folder: Path, kept: bool = False) -> Path:
    """Return the closed log.db of ``LEAVES`` leaves; the last may be of a kept receipt."""
    path = folder / "log.db"
    asyncio.run(_write(path, kept))
    return path


def tamper(path: Path, *statements: str, values: tuple[object, ...] = ()) -> None:
    """Run SQL on the file as somebody who owns it could, triggers taken off first."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement, values if "?" in statement else ())


def examined(path: Path) -> Examined:
    """Run fsck."""
    return fsck(path, silent)


def kinds(path: Path) -> set[str]:
    """Return the kinds of what fsck finds."""
    return {finding.kind for finding in examined(path).findings.listed}
