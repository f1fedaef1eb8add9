"""fsck: is log.db whole? Re-derives the root from the leaves and compares all that is stored.

Rule of this file: read-only, one consistent snapshot, also while the node writes; nothing is
repaired, because a repaired log proves nothing.
"""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from node.audit import log_key_rows, schema, tree_rows
from node.audit.findings import Findings
from node.audit.judged import Judged
from node.audit.log_key_check import LogKeyCheck
from node.audit.run_pool import Judging, Reading, RunPool
from node.audit.walk import Walk
from node.audit.walk_runs import RUN, Run, leaves_of_run
from protocol.checkpoint import open_checkpoint
from protocol.log_errors import LogMaterialError
from protocol.log_keys import LogKeys
from protocol.log_terms import LogTerm
from protocol.note import VerifierKey

Progress = Callable[[int, int | None, str], None]
_PROGRESS_EVERY = 4_096  # leaves


class LeafReader(Protocol):
    """Whoever looks at what leaves say; ``fsck`` itself looks at their bytes only."""

    def leaf(self, index: int, data: bytes) -> None:
        """Look at one leaf."""

    def run(self, judged: Judged | None) -> bool:
        """Take what a run of leaves says; False to see them one by one by ``leaf``."""


@dataclass(frozen=True)
class Examined:
    """What was read: the log's own statement of itself, its size and root, and the findings.

    ``verifier_key`` signs it now, ``terms`` are those of all its keys. ``root``: the 32-byte hash
    that the leaves' bytes lead to; ``checkpoints``: how many were compared with the tree at their
    size.
    """

    origin: str
    verifier_key: str
    terms: tuple[LogTerm, ...]
    size: int
    root: bytes
    checkpoints: int
    findings: Findings


class Examination:
    """One examination of an open snapshot: the walk, the checkpoints, SQLite's own check."""

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        log_key: VerifierKey | LogKeys | None,
        progress: Progress,
    ) -> None:
        """``log_key``: what is known of its keys; ``None`` believes the log's own statement."""
        self.findings = Findings()
        self.origin = schema.meta(connection, "origin")
        self._path, self._connection, self._progress = path, connection, progress
        self._keys = LogKeyCheck(connection, self.origin, log_key, self.findings)
        self._checkpoints = 0
        self._signed = -1

    @property
    def keys(self) -> LogKeys | None:
        """The log's keys as far as they are believed; None where it states none."""
        return self._keys.keys

    def run(self, reader: LeafReader | None, judging: Judging | None) -> Examined:
        """Examine everything; ``reader`` sees every leaf, or the runs that were judged whole.

        SQLite's own check goes on meanwhile, on a connection of its own.
        """
        checking = ThreadPoolExecutor(1)
        damages = checking.submit(_damages, self._path)
        try:
            walk = self._walk(reader, judging)
            for message in damages.result():
                self.findings.add("database-damaged", message)
        finally:
            checking.shutdown()
        self._check_end(walk)
        self._keys.end()
        return Examined(
            origin=self.origin,
            verifier_key=log_key_rows.present(self._connection),
            terms=self._keys.terms,
            size=walk.frontier.size,
            root=walk.root_of_leaves,
            checkpoints=self._checkpoints,
            findings=self.findings,
        )

    def _walk(self, reader: LeafReader | None, judging: Judging | None) -> Walk:
        total = tree_rows.size(self._connection)
        walk = Walk(self._connection, self.findings, self._at_checkpoint, self._at_confirmed)
        reading = Reading(self._path, self.origin, self._keys.keys, judging)
        pool = RunPool(reading, self._connection)
        for part in walk.parts(pool, total):
            if isinstance(part, Run):
                self._look_at_run(part, reader)
                self._progress(part.first + RUN, total, "leaves")
                continue
            index, data = part
            self._keys.look(index, data)
            if reader is not None:
                reader.leaf(index, data)
            if index % _PROGRESS_EVERY == 0:
                self._progress(index, total, "leaves")
        self._progress(total, total, "leaves")
        return walk

    def _look_at_run(self, run: Run, reader: LeafReader | None) -> None:
        for index, data in run.key_leaves:
            self._keys.look(index, data)
        if reader is None or reader.run(run.judged):
            return
        for index, data in enumerate(leaves_of_run(self._connection, run.first), run.first):
            reader.leaf(index, data)

    def _at_confirmed(self, size: int, note: bytes) -> None:
        self._count_checkpoint(size)
        self._keys.at_checkpoint(size, note)

    def _count_checkpoint(self, size: int) -> None:
        self._checkpoints += 1
        self._signed = max(self._signed, size)

    def _at_checkpoint(self, size: int, note: bytes, root: bytes) -> None:
        self._count_checkpoint(size)
        if self._keys.keys is None:
            self.findings.add("checkpoint-invalid", "the log states no readable key")
            return
        try:
            checkpoint = open_checkpoint(note, self.origin, self._keys.keys)
        except LogMaterialError as error:
            self.findings.add("checkpoint-invalid", f"checkpoint of {size} leaves: {error}")
            return
        self._keys.at_checkpoint(size, note)
        if checkpoint.size != size or root not in (b"", checkpoint.root):
            self.findings.add(
                "checkpoint-differs", f"the checkpoint of {size} leaves signs another tree"
            )

    def _check_end(self, walk: Walk) -> None:
        size = walk.frontier.size
        if self._signed < 0:
            self.findings.add("checkpoint-missing", "the log has no checkpoint")
        elif self._signed > size:
            self.findings.add(
                "log-shortened", f"{size} leaves are left of {self._signed} that were signed"
            )
        elif self._signed < size:
            self.findings.add(
                "leaf-unsigned",
                f"{size - self._signed} leaves after the last checkpoint",
                self._signed,
            )


def _damages(path: Path) -> list[str]:
    with closing(schema.connect_reader(path)) as connection:
        rows = connection.execute("PRAGMA quick_check(10)").fetchall()
    return [str(message) for (message,) in rows if message != "ok"]


def fsck(path: Path, progress: Progress, log_key: VerifierKey | LogKeys | None = None) -> Examined:
    """Examine log.db.

    Raises LogDamaged, LogTooNew or LogUnavailable where it cannot be read at all.
    """
    with schema.snapshot(path) as connection:
        return Examination(path, connection, log_key, progress).run(None, None)
