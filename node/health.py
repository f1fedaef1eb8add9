"""What health and readiness mean, checked when asked and not remembered from the start.

Alive: the node can do its duty, which is to write its log. The disk takes a written and flushed
byte, has room, and the newest attempt to commit to the log did not fail; after one that did, the
log is tried when somebody asks, since nobody sends questions to a node that is not ready. Ready:
start has ended, stop has not begun, it is alive, the root document is valid and there is a card
under it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from keys.keyfile import KeyFileError
from node.audit.errors import AuditError, LogUnavailable
from node.audit.schema import try_commit
from node.content.errors import ContentError
from node.operations.errors import OperationError

if TYPE_CHECKING:
    from node.node import Node

MIN_FREE_BYTES = 64 * 1024 * 1024
REMEMBER_S = 1.0  # anybody who reaches the admin listener can ask; the disk is asked at this rate


class Health:
    """Answers `/healthz` and `/readyz` for one running node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._phase = "starting"
        self._failed_at: int | None = None  # the log's size at the newest failed commit
        self._disk: tuple[float, list[str]] | None = None
        self._tried: tuple[float, str] | None = (
            None  # after a failed commit: when, and what is wrong
        )
        node.log.on_reload(self._commit_failed)

    def serving(self) -> None:
        """Everything is open and listening."""
        self._phase = "serving"

    def draining(self) -> None:
        """A stop has begun."""
        self._phase = "draining"

    async def alive(self) -> list[str]:
        """Reasons why the node cannot do its duty; none: it can."""
        return [*await self._disk_reasons(), *await self._log_reasons()]

    async def ready(self) -> list[str]:
        """Reasons why the node should not be asked now."""
        reasons = await self.alive()
        if self._phase != "serving":
            reasons.append(f"phase: {self._phase}")
        if self._node.identity.root.expires <= self._node.clock():
            reasons.append("root document: expired")
        else:
            reasons += self._card_reasons()
        return reasons

    def _card_reasons(self) -> list[str]:
        """Without a card that is in force no partner can ask."""
        try:
            self._node.card.current()
        except (OperationError, KeyFileError, OSError) as error:
            return [f"card: {error}"]
        return []

    def _commit_failed(self) -> None:
        """Remember that the log could not be written, until it grows or can be written again."""
        try:
            self._failed_at = self._node.log.size()
        except LogUnavailable:
            self._failed_at = 0

    async def _log_reasons(self) -> list[str]:
        try:
            size = self._node.log.size()
        except LogUnavailable as error:
            return [f"log: {error}"]
        if self._failed_at is not None and size <= self._failed_at:
            problem = await self._try_again()
            if problem:
                return [f"log: the newest commit failed: {problem}"]
        self._failed_at = self._tried = None
        if self._node.log.held is not None:
            return [f"log: {self._node.log.held}"]
        return []

    async def _try_again(self) -> str:
        """Say what still keeps the log from being written; nothing does where it is empty."""
        now = time.monotonic()
        if self._tried is None or self._tried[0] + REMEMBER_S <= now:
            self._tried = (now, await asyncio.to_thread(self._problem))
        return self._tried[1]

    def _problem(self) -> str:
        """Commit to the log as an answer would, and make keys for what is kept beside it."""
        try:
            try_commit(self._node.data.log_file)
            self._node.contents.keys.refill()
        except (AuditError, ContentError) as error:
            return str(error)
        return ""

    async def _disk_reasons(self) -> list[str]:
        now = time.monotonic()
        if self._disk is None or self._disk[0] + REMEMBER_S <= now:
            self._disk = (now, await asyncio.to_thread(disk_reasons, self._node.data.path))
        return self._disk[1]


def disk_reasons(folder: Path) -> list[str]:
    """Whether the disk below a folder has room and takes a flushed byte."""
    free = shutil.disk_usage(folder).free
    if free < MIN_FREE_BYTES:
        return [f"disk: {free} bytes are free, {MIN_FREE_BYTES} are needed to write the log"]
    probe = folder / f".probe.{os.getpid()}"
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        try:
            os.write(descriptor, b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
            probe.unlink(missing_ok=True)
    except OSError as error:
        return [f"disk: a byte could not be written: {error.strerror}"]
    return []
