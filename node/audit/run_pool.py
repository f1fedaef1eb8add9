"""The runs of a log one after the other, read and confirmed on all cores.

Rule of this file: only runs that end within the snapshot that is examined are read elsewhere, by
connections of their own: leaves and hashes are only appended, and the root that the runs lead to is
compared with what is signed in the snapshot. Where no other process can be started, or one dies,
the same is done here. A few thousand leaves are not worth starting one for.
"""

import multiprocessing
import os
import sqlite3
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from node.audit import schema
from node.audit.errors import AuditError
from node.audit.judged import Judge
from node.audit.walk_runs import RUN, Run, RunReader
from protocol.checkpoint import Checkpoint, open_checkpoint
from protocol.log_errors import UntrustedNote
from protocol.log_keys import LogKeys

ALONE, ALONE_UNJUDGED = 16, 64
"""Runs for which no other process is started: where leaves are judged, and where they are not."""

AHEAD, MOST_AHEAD = 3, 12
"""Runs that each other process has before it; and those that are begun or read before their turn.

Judged, a result has 200 kB."""


@dataclass(frozen=True)
class Judging:
    """Leaves are judged as those of the log of this organisation; ``None``: of an unknown one."""

    own: str | None


@dataclass(frozen=True)
class Reading:
    """What it takes to read runs of a log: its name, the keys that may sign it, and who judges.

    ``keys`` None: none of it can be confirmed; ``judging`` None: no leaf is judged.
    """

    path: Path
    origin: str
    keys: LogKeys | None
    judging: Judging | None

    def reader(self, connection: sqlite3.Connection) -> RunReader:
        """Return a reader over a connection to the log."""
        judge = Judge(self.judging.own) if self.judging is not None else None
        return RunReader(connection, self._opened, judge)

    def _opened(self, note: bytes) -> Checkpoint:
        if self.keys is None:
            raise UntrustedNote("the log states no readable key")
        return open_checkpoint(note, self.origin, self.keys)


class RunPool:
    """Gives the runs of a log in their order, up to the first that cannot be confirmed."""

    def __init__(
        self,
        reading: Reading,
        connection: sqlite3.Connection,
        others: int | None = None,
        alone: int | None = None,
    ) -> None:
        """``connection``: the snapshot; ``others``: processes beside this one.

        By default there is one for each further core that may be used here.
        """
        self._reading, self._reader = reading, reading.reader(connection)
        self._others = others if others is not None else len(os.sched_getaffinity(0)) - 1
        few = ALONE if reading.judging is not None else ALONE_UNJUDGED
        self._alone = alone if alone is not None else few

    def runs(self, size: int) -> Iterator[Run]:
        """Yield the complete runs of the first ``size`` leaves until one is not as it should be."""
        firsts = range(0, size - size % RUN, RUN)
        with self._processes(len(firsts)) as pool:
            waiting: deque[_Begun] = deque()
            ahead = iter(firsts)
            for _ in firsts:
                self._work_until_first(waiting, ahead, pool)
                run = self._result(waiting.popleft())
                if run is None:
                    return
                yield run

    def _work_until_first(
        self, waiting: "deque[_Begun]", ahead: Iterator[int], pool: ProcessPoolExecutor | None
    ) -> None:
        """Read runs here as well, until the first that waits was read; the others have work."""
        most = MOST_AHEAD * max(1, self._others)
        while len(waiting) < most:
            if pool is not None:
                self._give(waiting, ahead, pool, most)
            if waiting and waiting[0].future.done():
                return
            first = next(ahead, None)
            if first is None:
                return
            waiting.append(self._read_here(first))

    def _give(
        self,
        waiting: "deque[_Begun]",
        ahead: Iterator[int],
        pool: ProcessPoolExecutor,
        most: int,
    ) -> None:
        """Give runs to other processes until each has enough before it."""
        begun = sum(not each.future.done() for each in waiting)
        while begun < AHEAD * self._others and len(waiting) < most:
            first = next(ahead, None)
            if first is None:
                return
            try:
                waiting.append(_Begun(first, pool.submit(_read, first)))
            except (OSError, RuntimeError):  # no process can be started; or the pool is broken
                waiting.append(self._read_here(first))
            begun += 1

    def _read_here(self, first: int) -> "_Begun":
        done: Future[Run | None] = Future()
        done.set_result(self._reader.read(first))
        return _Begun(first, done)

    @contextmanager
    def _processes(self, runs: int) -> Iterator[ProcessPoolExecutor | None]:
        if self._others < 1 or runs <= self._alone:
            yield None
            return
        context = multiprocessing.get_context("spawn")  # a running node has threads
        pool = ProcessPoolExecutor(
            self._others, context, initializer=_open, initargs=(self._reading,)
        )
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)

    def _result(self, begun: "_Begun") -> Run | None:
        try:
            return begun.future.result()
        except (BrokenProcessPool, OSError, AuditError, sqlite3.Error):
            return self._reader.read(begun.first)  # again here, where errors have their names


class _Begun(NamedTuple):
    first: int
    future: "Future[Run | None]"


_readers: list[RunReader] = []  # in another process: its own one


def _open(reading: Reading) -> None:
    """Run in another process: it keeps its connection, and the forms of leaves that it learns."""
    _readers.append(reading.reader(schema.connect_reader(reading.path)))


def _read(first: int) -> Run | None:
    return _readers[0].read(first)
