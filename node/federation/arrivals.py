"""Answers to one question that come at about the same time are entered in the log together.

The rule of this file: an answer waits for others only while others are awaited, and at most
`TOGETHER_S`. The asker is shown nothing before the last has come, so nobody waits longer for it;
what it saves is a commit, with its sync, for each of many partners. A node that is killed meanwhile
ends the question as `interrupted`, as it does with one whose answer is still under way.
"""

from __future__ import annotations

import asyncio

TOGETHER_S = 0.1
"""Longest time for which an answer waits for others (seconds)."""


class Arrivals:
    """Who is awaited by one question; on one event loop."""

    def __init__(self) -> None:
        self._awaited = 0
        self._here: list[asyncio.Future[None]] = []
        self._latest: asyncio.TimerHandle | None = None

    def left(self) -> None:
        """A question has left; `lost` or `together` follows."""
        self._awaited += 1

    def lost(self) -> None:
        """Nothing has come, and nothing will."""
        self._awaited -= 1
        if not self._awaited:
            self._open()

    async def together(self) -> None:
        """Wait with an answer that has come, until it is to be entered with the others.

        Who waited goes on in one iteration of the event loop, so that the log's writer has all.
        """
        self._awaited -= 1
        if not self._awaited and not self._here:
            return
        loop = asyncio.get_running_loop()
        here = loop.create_future()
        self._here.append(here)
        if not self._awaited:
            self._open()
        elif self._latest is None:
            self._latest = loop.call_later(TOGETHER_S, self._open)
        await here

    def _open(self) -> None:
        if self._latest is not None:
            self._latest.cancel()
            self._latest = None
        for here in self._here:
            if not here.done():  # who waited was cancelled
                here.set_result(None)
        self._here.clear()
