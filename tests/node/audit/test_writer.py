"""The thread that writes the log is called as often as is needed, and outlives what goes wrong."""

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from threading import Event

import pytest

from node.audit import tree_rows
from node.audit.committer import BatchResult, Committer, Prepared
from node.audit.entry import RESET, Effects, Entry, NonceEffect, Receipt, ResetEffect
from node.audit.errors import AlreadyRecorded, LogDamaged, LogUnavailable
from node.audit.writer import Writer
from protocol.leaf import AdminActed
from tests.node.audit.entries import LOG_KEY, ORIGIN, event, exchange
from tests.node.audit.test_failures import REFUSE, execute
from tests.protocol.leaf_samples import AT


def opened(path: Path) -> Committer:
    return Committer(path, LOG_KEY, ORIGIN, lambda: AT)


def commit(committer: Committer, entry: Entry) -> Receipt | Exception:
    (outcome,) = committer.commit([Prepared(entry, entry.leaf.encode())]).outcomes
    return outcome


async def test_calls_to_a_thread_that_is_busy_do_not_pile_up() -> None:
    let = Event()

    def write(batch: Sequence[Prepared]) -> BatchResult:
        assert let.wait(10)
        return BatchResult([Receipt(n, one.raw, b"") for n, one in enumerate(batch)])

    writer = Writer(write, lambda: None)
    prepared = Prepared(event(), b"{}")
    waiting = []
    for _ in range(20):
        waiting.append(writer.submit(prepared))
        await asyncio.sleep(0)  # the next iteration of the event loop
    assert writer._wakes.qsize() <= 1
    let.set()
    await asyncio.gather(*waiting)
    await writer.submit(prepared)
    writer.close()


def test_whatever_keeps_the_log_closed_is_the_outcome_of_its_entries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.db"
    committer = opened(path)
    execute(path, REFUSE)

    def no_memory(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(tree_rows, "load", no_memory)
        assert isinstance(commit(committer, event()), LogUnavailable)
        assert isinstance(commit(committer, event()), LogUnavailable)
    execute(path, "DROP TRIGGER refuse")
    assert isinstance(commit(committer, event()), Receipt)
    committer.close()


def test_a_nonce_is_remembered_where_a_reset_was_refused(tmp_path: Path) -> None:
    committer = opened(tmp_path / "log.db")
    nonce = NonceEffect("clinic.example", "nonce", AT + 90)
    spent = Entry(event().leaf, Effects(nonce=nonce))
    reset = Entry(
        AdminActed(at=AT, peer="clinic.example", operation=RESET),
        Effects(nonce=nonce, reset=ResetEffect("clinic.example", None)),
    )
    assert isinstance(commit(committer, spent), Receipt)
    assert isinstance(commit(committer, reset), AlreadyRecorded)
    assert isinstance(commit(committer, spent), AlreadyRecorded)
    committer.close()


def test_a_log_whose_recent_effects_cannot_be_read_is_not_left_open(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    committer = opened(path)
    commit(committer, exchange(1))
    committer.close()
    execute(path, """UPDATE recent_effects SET said = '[1]'""")
    with pytest.raises(LogDamaged, match="Recent effects") as caught:
        opened(path)
    frame = caught.tb
    while frame.tb_next is not None and "connection" not in frame.tb_frame.f_locals:
        frame = frame.tb_next
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        frame.tb_frame.f_locals["connection"].execute("SELECT 1")
