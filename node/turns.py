"""Changes of what is in force: one after another, each to its end.

The rule of this file: a change that is written to disk, then logged, then put into force must not
be left halfway because its caller went away, since an entry once queued is written to the log
whatever its caller does; nor must a second change begin from a state that the first one replaces.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Turns:
    """The changes of one book."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._running: set[asyncio.Task[Any]] = set()

    async def take(self, change: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a change when those before it have ended; cancelling the caller does not stop it."""
        task = asyncio.create_task(self._take(change))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _take(self, change: Callable[[], Coroutine[Any, Any, T]]) -> T:
        async with self._turn:
            return await change()
