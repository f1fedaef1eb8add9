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
from functools import cache
from pathlib import Path

from node.audit import schema
from node.audit.errors import AuditError
from node.audit.judged import Judge
from node.audit.walk_runs import RUN, Run, read_run

ALONE, ALONE_UNJUDGED = 16, 128
"""Runs for which no other process is started: where leaves are judged, and where they are not."""

AHEAD = 3
"""Runs for each process that are read before their turn comes; a run's result has 250 kB."""


@dataclass(frozen=True)
class Judging:
    """Leaves are judged as those of the log of this organisation; ``None``: of an unknown one."""

    own: str | None


class RunPool:
    """Gives the runs of a log in their order, up to the first that cannot be confirmed."""

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        judging: Judging | None,
        workers: int | None = None,
        alone: int | None = None,
    ) -> None:
        """``connection``: the snapshot; ``judging`` None: only hashes and facts are looked at."""
        self._path, self._connection, self._judging = path, connection, judging
        self._workers = workers if workers is not None else len(os.sched_getaffinity(0))
        few = ALONE if judging is not None else ALONE_UNJUDGED
        self._alone = alone if alone is not None else few

    def runs(self, size: int) -> Iterator[Run]:
        """Yield the complete runs of the first ``size`` leaves until one is not as it should be."""
        firsts = range(0, size - size % RUN, RUN)
        with self._processes(len(firsts)) as pool:
            waiting: deque[Future[Run | None] | None] = deque()
            ahead = iter(firsts)
            for first in firsts:
                while pool is not None and len(waiting) <= AHEAD * self._workers:
                    following = next(ahead, None)
                    if following is None:
                        break
                    waiting.append(self._begin(pool, following))
                run = self._result(waiting.popleft() if waiting else None, first)
                if run is None:
                    return
                yield run

    @contextmanager
    def _processes(self, runs: int) -> Iterator[ProcessPoolExecutor | None]:
        if self._workers < 2 or runs <= self._alone:
            yield None
            return
        context = multiprocessing.get_context("spawn")  # a running node has threads
        pool = ProcessPoolExecutor(self._workers, context)
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)

    def _begin(self, pool: ProcessPoolExecutor, first: int) -> Future[Run | None] | None:
        try:
            return pool.submit(_read, self._path, first, self._judging)
        except (OSError, RuntimeError):  # no process can be started; or the pool is broken
            return None

    def _result(self, future: Future[Run | None] | None, first: int) -> Run | None:
        if future is not None:
            try:
                return future.result()
            except (BrokenProcessPool, OSError, AuditError, sqlite3.Error):
                pass  # it is done again here, where errors have their names
        return read_run(self._connection, first, _judge(self._judging))


def _read(path: Path, first: int, judging: Judging | None) -> Run | None:
    """Run in another process: it keeps its connection, and the forms of leaves that it learned."""
    return read_run(_opened(path), first, _judge(judging))


@cache
def _opened(path: Path) -> sqlite3.Connection:
    return schema.connect_reader(path)


@cache
def _judge(judging: Judging | None) -> Judge | None:
    return Judge(judging.own) if judging is not None else None
