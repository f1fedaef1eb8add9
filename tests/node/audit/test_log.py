"""Appending: durable, proved, exactly once; state readable; refusals touch nobody else."""

import asyncio
import shutil
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest

from node.audit import schema
from node.audit.entry import Effects, Entry, ExposureEffect, NonceEffect, QueryEffect, Receipt
from node.audit.errors import AlreadyRecorded, LogBusy, LogUnavailable
from node.audit.log import AuditLog
from protocol.checkpoint import open_checkpoint
from protocol.leaf import decode_leaf
from protocol.tlog_proof import verify_receipt
from tests.node.audit.entries import DAY, LOG_KEY, ORIGIN, event, exchange, opened
from tests.protocol.leaf_samples import AT, answered


class Refused(Exception):
    pass


async def test_each_receipt_proves_its_leaf_in_the_log(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db") as log:
        entries = [exchange(n) for n in range(20)]
        receipts = [await log.append(entry) for entry in entries[:3]]
        receipts += await asyncio.gather(*(log.append(entry) for entry in entries[3:]))
        assert sorted(r.index for r in receipts) == list(range(20))
        for entry, receipt in zip(entries, receipts, strict=True):
            assert decode_leaf(receipt.leaf) == entry.leaf
            proved = verify_receipt(receipt.leaf, receipt.proof, log.verifier_key, ORIGIN)
            assert proved.index == receipt.index
        head = open_checkpoint(log.checkpoint(), ORIGIN, log.verifier_key)
        assert head.size == log.size() == 20
        for receipt in receipts:
            newer = log.receipt(receipt.index)
            assert newer.leaf == receipt.leaf
            verified = verify_receipt(newer.leaf, newer.proof, log.verifier_key, ORIGIN)
            assert verified.checkpoint == head
        with pytest.raises(LookupError):
            log.receipt(20)


async def test_entries_that_wait_together_share_one_commit(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db") as log:
        taken, free = threading.Event(), threading.Event()

        def hold() -> None:
            taken.set()
            free.wait(10)

        first = log.submit(event(guard=hold))
        await asyncio.to_thread(taken.wait, 10)  # else some of the rest could be in its batch
        rest = [log.submit(event()) for _ in range(40)]
        free.set()
        await first
        proofs = [(await receipt).proof for receipt in rest]
        sizes = {verify_size(log, await f) for f in rest}
    assert len(proofs) == 40
    assert sizes == {41}


def verify_size(log: AuditLog, receipt: Receipt) -> int:
    return verify_receipt(receipt.leaf, receipt.proof, log.verifier_key, ORIGIN).checkpoint.size


async def test_effects_are_committed_with_the_leaf_and_survive_reopening(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db") as log:
        await asyncio.gather(*(log.append(exchange(n, documents=(7, 7, n))) for n in range(3)))
    async with opened(tmp_path / "log.db") as log:
        peer, collection = "clinic.example", "papers"
        assert sorted(log.nonces(AT)) == [(peer, f"nonce-{n}", AT + 90) for n in range(3)]
        assert log.nonces(AT + 91) == []
        assert log.spent(peer, collection, DAY) == 3
        assert log.spent(peer, collection, DAY + 1) == 0
        assert log.exposed(peer, collection, 3) == {0: 1, 1: 1, 2: 1, 7: 6}
        assert log.exposed(peer, collection, 4) == {}
        stored = log.idempotent(peer, "key-1", AT)
        assert stored is not None
        assert (stored.body_digest, stored.payload) == ("digest-1", None)  # kept beside the log
        assert decode_leaf(log.receipt(stored.leaf_index).leaf).type == "answered"
        assert log.idempotent(peer, "key-1", AT + 91) is None
        assert log.idempotent("other.example", "key-1", AT) is None


async def test_a_live_nonce_or_idempotency_key_is_never_recorded_twice(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db") as log:
        await log.append(exchange(1))
        outcomes = await asyncio.gather(
            log.append(exchange(1)),
            log.append(exchange(2)),
            log.append(exchange(2)),
            return_exceptions=True,
        )
        refused = [isinstance(outcome, AlreadyRecorded) for outcome in outcomes]
        assert refused == [True, False, True]
        assert log.size() == 2
        assert log.spent("clinic.example", "papers", DAY) == 2
    async with opened(tmp_path / "log.db", at=AT + 91) as log:
        await log.append(exchange(1, until=AT + 200))
        assert [nonce for _, nonce, _ in log.nonces(AT + 91)] == ["nonce-1"]


async def test_expired_rows_are_purged_by_writing_and_live_ones_stay(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db") as log:
        await asyncio.gather(*(log.append(exchange(n, until=AT + 60 + n % 2)) for n in range(10)))
        assert len(log.nonces(0)) == 10
    async with opened(tmp_path / "log.db", at=AT + 61) as log:
        await log.append(event())
        assert len(log.nonces(0)) == 5
        assert len(log.nonces(AT + 61)) == 5
        assert log.idempotent("clinic.example", "key-0", 0) is None
        assert log.idempotent("clinic.example", "key-1", AT + 61) is not None


async def test_a_guard_refuses_its_own_entry_only(tmp_path: Path) -> None:
    def refuse() -> None:
        raise Refused("paused")

    async with opened(tmp_path / "log.db") as log:
        outcomes = await asyncio.gather(
            log.append(event("a")),
            log.append(event("b", guard=refuse)),
            log.append(event("c")),
            return_exceptions=True,
        )
        assert isinstance(outcomes[1], Refused)
        assert log.size() == 2
        with pytest.raises(Refused):
            await log.append(event(guard=refuse))


async def test_the_guard_sees_the_state_at_the_moment_of_writing(tmp_path: Path) -> None:
    """Whoever sets a state before queueing its leaf has no later entry slip past it."""
    revoked = threading.Event()
    free = threading.Event()

    def unless_revoked() -> None:
        if revoked.is_set():
            raise Refused("revoked")

    async with opened(tmp_path / "log.db") as log:
        blocked = log.submit(event("busy", guard=lambda: (free.wait(10), None)[1]))
        waiting = log.submit(event("answer", guard=unless_revoked))
        revoked.set()
        leaf = log.submit(event("peer revoked"))
        free.set()
        await blocked
        await leaf
        with pytest.raises(Refused):
            await waiting


async def test_a_full_queue_is_busy_and_loses_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db", max_waiting=3) as log:
        free, started = threading.Event(), threading.Event()

        def hold() -> None:
            started.set()
            free.wait(10)

        first = log.submit(event("first", guard=hold))
        await asyncio.to_thread(started.wait, 10)
        queued = [log.submit(event(str(n))) for n in range(3)]
        with pytest.raises(LogBusy):
            await log.append(event("too many"))
        free.set()
        await asyncio.gather(first, *queued)
        await log.append(event("again"))
        assert log.size() == 5


async def test_cancelled_callers_leave_their_entries_and_disturb_nobody(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db") as log:
        free = threading.Event()
        log.submit(event("hold", guard=lambda: (free.wait(10), None)[1]))
        tasks = [asyncio.create_task(log.append(exchange(n))) for n in range(30)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        free.set()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [isinstance(o, asyncio.CancelledError) for o in outcomes] == [True, False] * 15
        await log.append(event("last"))
        assert log.size() == 32
        assert log.spent("clinic.example", "papers", DAY) == 30


async def test_closing_writes_what_is_queued_and_then_refuses(tmp_path: Path) -> None:
    log = AuditLog.open(tmp_path / "log.db", LOG_KEY, ORIGIN, lambda: AT)
    queued = [log.submit(event(str(n))) for n in range(10)]
    await log.close()
    assert len({(await receipt).index for receipt in queued}) == 10
    with pytest.raises(LogUnavailable, match="closed"):
        await log.append(event())


async def test_a_copy_of_a_closed_log_is_whole_while_somebody_reads(tmp_path: Path) -> None:
    log = tmp_path / "log.db"
    async with opened(log) as writing:
        await writing.append(exchange(1))
        reader = schema.connect_reader(log)
    copy = shutil.copyfile(log, tmp_path / "copy.db")
    with closing(reader), schema.snapshot(copy) as connection:
        assert connection.execute("SELECT COUNT(*) FROM leaves").fetchone() == (1,)


async def test_the_files_are_the_owners_alone(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db") as log:
        await log.append(event())
        assert modes(tmp_path) == {0o600}


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


def test_a_leaf_that_states_another_charge_than_its_effects_is_a_bug() -> None:
    query = QueryEffect("clinic.example", "papers", DAY, 2)
    with pytest.raises(ValueError, match="charged"):
        Entry(answered(exposed=0), Effects(queries=query))
    one = QueryEffect("clinic.example", "papers", DAY, 1)
    with pytest.raises(ValueError, match="exposed"):
        Entry(answered(exposed=2), Effects(queries=one))
    exposure = ExposureEffect("clinic.example", "papers", 3, {1: 1})
    with pytest.raises(ValueError, match="exposed"):
        Entry(event().leaf, Effects(exposures=exposure))
    Entry(event().leaf, Effects(nonce=NonceEffect("clinic.example", "n", AT)))


async def test_what_was_answered_is_found_whether_before_or_after_it_was_recalled(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path / "log.db") as log:
        await log.append(exchange(0))
        log.recall_answered()
        await log.append(exchange(1))
        found = [log.idempotent("clinic.example", f"key-{n}", AT) for n in range(3)]
        assert [each and each.body_digest for each in found] == ["digest-0", "digest-1", None]
