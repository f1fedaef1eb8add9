"""The one thread that writes the log, and the queue in front of it.

Rule of this file: everything that waits at the moment the writer is free becomes one batch. An
entry once queued is written and its outcome delivered, whether or not its caller still waits; a
caller that goes away changes nothing for the others.

The thread is woken once an iteration of the event loop is over: what its callers queue in one, for
example when they all have just got their receipts, becomes one batch and not a first entry with the
others behind it.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue

from node.audit.committer import BatchResult, Outcome, Prepared
from node.audit.entry import Receipt
from node.audit.errors import LogBusy, LogUnavailable

MAX_BATCH = 256  # entries in one transaction; keeps a commit's memory and latency bounded
MAX_WAITING = 4_096  # entries in the queue; about 8 MB of leaves


@dataclass(frozen=True)
class _Waiting:
    prepared: Prepared
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Receipt]


class Writer:
    """A queue and a thread that commits its content in batches.

    ``commit`` runs in the thread and must not raise; ``reloaded`` runs in the event loop of the
    waiting callers, before any of them learns that their batch was dropped.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Prepared]], BatchResult],
        reloaded: Callable[[], None],
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._commit, self._reloaded, self._max_waiting = commit, reloaded, max_waiting
        self._queue: deque[_Waiting] = deque()
        self._waking: set[asyncio.AbstractEventLoop] = set()
        self._lock = threading.Lock()
        self._wakes: SimpleQueue[None] = SimpleQueue()
        self._woken = False  # whether the thread has yet to take what lies in `_wakes`
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="audit-writer", daemon=True)
        self._thread.start()

    def submit(self, prepared: Prepared) -> asyncio.Future[Receipt]:
        """Queue an entry; the future gets its receipt or its exception.

        Raises LogBusy if the queue is full, LogUnavailable after ``close``.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Receipt] = loop.create_future()
        with self._lock:
            if self._closing:
                raise LogUnavailable("The audit log is closed.", fix="Start the node again.")
            if len(self._queue) >= self._max_waiting:
                raise LogBusy(f"{self._max_waiting} entries wait for the audit log already.")
            self._queue.append(_Waiting(prepared, loop, future))
            if loop not in self._waking:
                self._waking.add(loop)
                loop.call_soon(self._wake, loop)
        return future

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run in the event loop, behind the callers that were to run with the first of them."""
        with self._lock:
            self._waking.discard(loop)
            self._wake_once()

    def _wake_once(self) -> None:
        """Under the lock. A thread that never sleeps is woken once, however often it is called."""
        if not self._woken:
            self._woken = True
            self._wakes.put(None)

    def close(self) -> None:
        """Write what is queued, then end the thread; blocks until it has ended."""
        with self._lock:
            self._closing = True
            self._wake_once()
        self._thread.join()

    def _run(self) -> None:
        while batch := self._take():
            result = self._commit([waiting.prepared for waiting in batch])
            for loop in {waiting.loop for waiting in batch}:
                own = [
                    (waiting.future, outcome)
                    for waiting, outcome in zip(batch, result.outcomes, strict=True)
                    if waiting.loop is loop
                ]
                _call(loop, self._deliver, own, result.reloaded)

    def _take(self) -> list[_Waiting]:
        while True:
            with self._lock:
                if self._queue or self._closing:
                    return [self._queue.popleft() for _ in range(min(MAX_BATCH, len(self._queue)))]
            self._wakes.get()
            with self._lock:
                self._woken = False

    def _deliver(
        self, outcomes: list[tuple[asyncio.Future[Receipt], Outcome]], reloaded: bool
    ) -> None:
        """Run in the event loop: tell the callers that still wait."""
        try:
            if reloaded:
                self._reloaded()
        finally:
            for future, outcome in outcomes:
                if future.done():  # the caller was cancelled
                    continue
                if isinstance(outcome, Receipt):
                    future.set_result(outcome)
                else:
                    future.set_exception(outcome)


def _call(
    loop: asyncio.AbstractEventLoop,
    deliver: Callable[[list[tuple[asyncio.Future[Receipt], Outcome]], bool], None],
    outcomes: list[tuple[asyncio.Future[Receipt], Outcome]],
    reloaded: bool,
) -> None:
    try:
        loop.call_soon_threadsafe(deliver, outcomes, reloaded)
    except RuntimeError:  # the loop is closed: nobody waits any more, and the entries are written
        return
