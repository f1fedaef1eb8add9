"""Searches of one index that wait for a thread: whoever is free takes all of one kind together.

The rule of this file: what was asked for together is answered as though it had been asked for
alone, and fails by nobody else's question. A thread is called once for all questions that the event
loop has in hand: after those that came together with the first one have been queued too, which
costs none of them a wait. Searches are of one kind where k, labels and the admitted records are the
same; a thread takes the oldest one and those of its kind, up to `MOST_TOGETHER` vectors, so that
under load the costs of changing threads and of calls are paid once for many questions, and a large
batch of one question holds up nobody who came after it for longer than itself. A batch sees one
state of the index, that at which it begins: no older than when any of its questions came. The
threads are those of all indexes: after some batches a thread goes to the end of the line, so that
an index that is asked without end takes no thread from the others.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import islice
from threading import Lock

import numpy as np

from node.index.among import Among
from node.index.candidate import Candidates, FloatArray

MOST_TOGETHER = 64
"""Vectors that are searched together, unless one question alone has more."""

IN_A_ROW = 8
"""Batches after which a thread goes to the end of the executor's line."""

Search = Callable[[FloatArray, int, frozenset[str] | None, Among], list[Candidates]]
"""Blocking: (queries (n, d), k, labels, admitted records) -> what each query finds."""

_Outcome = list[Candidates] | Exception
_Kind = tuple[int, int, frozenset[str] | None, Among]


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    queries: FloatArray
    kind: _Kind
    future: asyncio.Future[list[Candidates]]


class WaitingSearches:
    """The queue in front of one index, for one event loop and at most `threads` threads at once."""

    def __init__(self, search: Search, executor: Executor, threads: int) -> None:
        self._search = search
        self._executor = executor
        self._threads = threads
        self._lock = Lock()
        self._queue: deque[_Waiting] = deque()
        self._busy = 0
        self._calling = False

    async def search(
        self, queries: FloatArray, k: int, visible: frozenset[str] | None, among: Among
    ) -> list[Candidates]:
        """Return what each of the queries (n, d) finds; raises what the search raised."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(queries, (queries.shape[1], k, visible, among), loop.create_future())
        with self._lock:
            self._queue.append(waiting)
            begins = self._busy < self._threads and not self._calling
            self._calling |= begins
        if begins:
            loop.call_soon(self._call_a_thread, loop)
        return await waiting.future

    def _call_a_thread(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            self._calling = False
            self._busy += 1
        try:
            self._executor.submit(self._work, loop)
        except RuntimeError as error:  # the node closes
            with self._lock:
                self._busy -= 1
                left, self._queue = self._queue, deque()
            _deliver(left, [error] * len(left))

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        """Search for what waits until nothing does, or until others have waited long enough."""
        while self._searched_some(loop):
            try:
                self._executor.submit(self._work, loop)
            except RuntimeError:  # the node closes: nobody else is served any more
                continue
            return

    def _searched_some(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Search for some batches, and say whether this thread still has work."""
        for _ in range(IN_A_ROW):
            taken = self._take()
            if not taken:
                return False
            outcomes = self._outcomes(taken)
            try:
                loop.call_soon_threadsafe(_deliver, taken, outcomes)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return False
        return True

    def _outcomes(self, taken: Sequence[_Waiting]) -> list[_Outcome]:
        """Search for all of one kind; where that fails, for each alone: one may have caused it."""
        _, k, visible, among = taken[0].kind
        queries = [each.queries for each in taken]
        try:
            together = queries[0] if len(queries) == 1 else np.concatenate(queries)
            found = iter(self._search(together, k, visible, among))
        except Exception as error:
            if len(taken) == 1:
                return [error]
            return [outcome for each in taken for outcome in self._outcomes([each])]
        return [list(islice(found, len(each))) for each in queries]

    def _take(self) -> list[_Waiting]:
        """Take the oldest and those of its kind; with nothing left this thread is free."""
        with self._lock:
            if not self._queue:
                self._busy -= 1
                return []
            first = self._queue.popleft()
            taken, vectors, left = [first], len(first.queries), deque[_Waiting]()
            for each in self._queue:
                if each.kind == first.kind and vectors + len(each.queries) <= MOST_TOGETHER:
                    taken.append(each)
                    vectors += len(each.queries)
                else:
                    left.append(each)
            self._queue = left
            return taken


def _deliver(taken: Sequence[_Waiting], outcomes: Sequence[_Outcome]) -> None:
    """Give each question what it came to, in the event loop."""
    for each, outcome in zip(taken, outcomes, strict=True):
        if each.future.done():  # its asker was cancelled
            continue
        if isinstance(outcome, Exception):
            each.future.set_exception(outcome)
        else:
            each.future.set_result(outcome)
