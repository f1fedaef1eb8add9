"""Work that a running node repeats: each piece has a name, a period and one owner of its task.

A failing piece is logged and tried again at its next time; it never ends the node.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from node.operations.errors import translate

log = structlog.get_logger("background")


@dataclass(frozen=True)
class Periodic:
    """One piece of work.

    Attributes:
        name: for the log.
        every_s: seconds from the end of one run to the beginning of the next.
        action: the work; must be cancellable at any await.
    """

    name: str
    every_s: float
    action: Callable[[], Awaitable[None]]


@asynccontextmanager
async def running(work: Iterable[Periodic]) -> AsyncIterator[None]:
    """Run all pieces until left; then cancel them and wait for their ends."""
    tasks = [asyncio.create_task(_repeat(piece), name=piece.name) for piece in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _repeat(piece: Periodic) -> None:
    while True:
        try:
            await piece.action()
        except Exception as error:
            log.warning("periodic work failed", work=piece.name, cause=translate(error).cause)
        await asyncio.sleep(piece.every_s)
