"""Checking very many signatures on all cores.

Rule of this file: results come in the order of what was given, and where no other process can be
started, or one dies, the same is done here. A few thousand are not worth starting one for.
"""

import multiprocessing
import os
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from keys.signer import verify

Signed = tuple[bytes, bytes, bytes]
"""(32-byte public key, 64-byte signature, signed bytes)."""

BATCH = 512
ALONE = 16
"""Batches that are checked here before other processes are started."""


def check(batch: list[Signed]) -> list[bool]:
    """Tell of each whether the signature verifies."""
    return [verify(*one) for one in batch]


class SignaturePool:
    """Takes batches and gives their results back in the same order."""

    def __init__(self, workers: int | None = None, alone: int = ALONE) -> None:
        """``workers``: processes to use, by default one for each core that may be used here."""
        self._workers = workers if workers is not None else len(os.sched_getaffinity(0))
        self._alone, self._given = alone, 0
        self._pool: ProcessPoolExecutor | None = None
        self._waiting: deque[tuple[list[Signed], Future[list[bool]] | None]] = deque()

    def give(self, batch: list[Signed]) -> None:
        """Begin to check a batch."""
        self._given += 1
        future = None
        if self._workers > 1 and self._given > self._alone:
            try:
                future = self._started().submit(check, batch)
            except (OSError, RuntimeError):  # no process can be started; or the pool is broken
                self._workers = 1
        self._waiting.append((batch, future))

    @property
    def is_full(self) -> bool:
        """Whether a result should be taken before more is given."""
        return len(self._waiting) > 4 * self._workers

    def take(self) -> list[bool]:
        """Return the results of the oldest batch that was not taken."""
        batch, future = self._waiting.popleft()
        if future is None:
            return check(batch)
        try:
            return future.result()
        except (BrokenProcessPool, OSError):
            self._workers = 1
            return check(batch)

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")  # a running node has threads
            self._pool = ProcessPoolExecutor(self._workers, context)
        return self._pool
