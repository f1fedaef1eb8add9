"""A batch leaves in the tables, and refuses, what its entries would one after the other."""

import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from node.audit.committer import Committer, Prepared
from node.audit.entry import RESET, Effects, Entry, KeptReceipt, Receipt, ResetEffect
from node.audit.noted_ids import NotedIds
from node.audit.seen_checkpoints import SeenCheckpoint
from protocol.leaf import (
    Acknowledged,
    AdminActed,
    Leaf,
    Received,
    Sent,
    Unacknowledged,
    Unanswered,
)
from protocol.tlog_proof import verify_receipt
from tests.node.audit.entries import LOG_KEY, ORIGIN, exchange
from tests.protocol.leaf_samples import AT, every_leaf

READ = (
    f"SELECT * FROM nonces WHERE until >= {AT}",  # noqa: S608 - a number
    f"SELECT * FROM idempotency WHERE until >= {AT}",  # noqa: S608 - a number
    "SELECT * FROM probes",
    "SELECT * FROM unacknowledged",
    "SELECT * FROM kept_receipts",
    "SELECT * FROM seen_checkpoints",
    "SELECT * FROM open_questions",
    "SELECT peer, collection, day, sum(n) FROM queries GROUP BY 1, 2, 3",
    "SELECT peer, collection, epoch, document, sum(n) FROM exposures GROUP BY 1, 2, 3, 4",
)


def some_entries(seed: int) -> list[Entry]:
    """Questions of which some come twice, with live and expired nonces, and what refers to them."""
    chance = random.Random(seed)  # noqa: S311 - a test's choice, no secret
    acknowledged = next(leaf for leaf in every_leaf() if isinstance(leaf, Acknowledged))
    entries = []
    for _ in range(40):
        kind, number = chance.randrange(14), chance.randrange(12)
        if kind < 7:
            documents = tuple(chance.randrange(6) for _ in range(3))
            entries.append(exchange(number, documents, until=AT + chance.choice((-1, 0, 90))))
        elif kind == 7:
            reset = AdminActed(at=AT, peer="clinic.example", operation=RESET, subject="papers")
            entries.append(Entry(reset, Effects(reset=ResetEffect("clinic.example", "papers"))))
        elif kind == 8:
            entries.append(Entry(acknowledged.model_copy(update={"confirmed": (number,)})))
        elif kind >= 10:
            entries.append(asked(kind, number, chance.randrange(50)))
        else:
            late = Unacknowledged(at=AT, peer="clinic.example", unconfirmed=(number, number + 1))
            entries.append(Entry(late))
    return entries


def asked(kind: int, number: int, size: int) -> Entry:
    """An own question that is sent, or has ended with what came with its answer or without."""
    peer, query = f"partner-{number % 3}.example", "sha256:" + f"{number:x}" * 64
    if kind == 10:
        return Entry(Unanswered(at=AT, peer=peer, query=query, reason="timeout"))
    sent, received = sample(Sent), sample(Received)
    if kind == 11:
        return Entry(sent.model_copy(update={"peer": peer, "query": query}))
    seen = SeenCheckpoint(peer, "root", "log", size, b"note %d" % size)
    effects = Effects(receipt=KeptReceipt(peer, b"leaf %d" % size, b"proof"), seen=seen)
    return Entry(received.model_copy(update={"peer": peer, "query": query}), effects)


def sample(kind: type[Leaf]) -> Leaf:
    return next(leaf for leaf in every_leaf() if isinstance(leaf, kind))


def committed(
    path: Path, entries: Sequence[Entry], at_once: int, noting: bool = False
) -> tuple[list[object], object]:
    """Return what each entry came to, and all rows; ``noting``: as a node that answers does."""
    committer = Committer(path, LOG_KEY, ORIGIN, lambda: AT)
    committer.answered = NotedIds() if noting else None
    outcomes: list[object] = []
    for first in range(0, len(entries), at_once):
        batch = [Prepared(one, one.leaf.encode()) for one in entries[first : first + at_once]]
        for outcome in committer.commit(batch).outcomes:
            if isinstance(outcome, Receipt):
                verify_receipt(outcome.leaf, outcome.proof, committer.verifier_key, ORIGIN)
            outcomes.append(outcome.index if isinstance(outcome, Receipt) else str(outcome))
    committer.close()
    with closing(sqlite3.connect(path)) as connection:
        rows = [sorted(connection.execute(query).fetchall()) for query in READ]
    return outcomes, rows


@pytest.mark.parametrize("seed", range(6))
def test_a_batch_is_its_entries_one_after_the_other(tmp_path: Path, seed: int) -> None:
    entries = some_entries(seed)
    single = committed(tmp_path / "single.db", entries, at_once=1)
    assert committed(tmp_path / "batch.db", entries, at_once=len(entries)) == single
    assert committed(tmp_path / "noting.db", entries, at_once=3, noting=True) == single
    assert {type(outcome) for outcome in single[0]} == {int, str}
