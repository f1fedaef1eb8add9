"""Entries and open logs for these tests: real keys, real files, a clock that stands still."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from keys.signer import SeedSigner
from node.audit.entry import (
    Effects,
    Entry,
    ExposureEffect,
    Guard,
    IdempotencyEffect,
    NonceEffect,
    ProbesEffect,
    QueryEffect,
)
from node.audit.log import AuditLog
from protocol.leaf import AdminActed
from tests.protocol.leaf_samples import AT, answered

ORIGIN = "bank.example/interlingua"
LOG_KEY = SeedSigner.from_seed(b"log key of the audit tests......")
DAY = AT // 86_400


def event(subject: str = "subject", guard: Guard | None = None) -> Entry:
    """Return a small entry without effects."""
    return Entry(AdminActed(at=AT, operation="test.act", subject=subject), guard=guard)


def exchange(number: int, documents: tuple[int, ...] = (1, 2), until: int = AT + 90) -> Entry:
    """Return an answered question with every effect; ``number`` makes it unique."""
    body = f'{{"id":{number},"v":1}}'.encode()
    peer, collection = "clinic.example", "papers"
    effects = Effects(
        nonce=NonceEffect(peer, f"nonce-{number}", until),
        idempotency=IdempotencyEffect(peer, f"key-{number}", f"digest-{number}", body, until),
        queries=QueryEffect(peer, collection, DAY, 1),
        exposures=ExposureEffect(peer, collection, 3, dict(Counter(documents))),
        probes=ProbesEffect(peer, collection, DAY, [(number.to_bytes(16, "big"), bytes(32))]),
    )
    return Entry(answered(body, exposed=len(documents)), effects)


@asynccontextmanager
async def opened(path: Path, at: int = AT, max_waiting: int = 4096) -> AsyncIterator[AuditLog]:
    """Open the log at ``path`` for a while."""
    log = AuditLog.open(path, LOG_KEY, ORIGIN, lambda: at, max_waiting=max_waiting)
    try:
        yield log
    finally:
        await log.close()
