"""Connections to partners whose answers are plain, kept from one question to the next.

The rule of this file: one question at a time on a connection, and a connection is kept only while
nothing came that was not asked for and all that was asked has left. Whatever is cut short
(deadline, size, another spelling) closes it, and nothing is left that waits for a partner to read.
Who may be connected to, and under which certificate, is aiohttp's connector's business, by which
every connection is made (node/addresses.py); bytes beyond that are read in plain_answer.py.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, cast

import aiohttp

from node.federation.plain_answer import MAX_HEAD_BYTES, Head, read_head
from protocol.accept_answer import RawAnswer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from aiohttp.connector import Connection

KEPT_S = 15.0
"""How long a connection is kept without a question (seconds), as aiohttp keeps its own."""


class NotPlain(Exception):
    """The partner's server answered in a spelling that is not read here; the bytes are gone."""


class BeyondCap(Exception):
    """The answer's length is more than it may be."""


class KeptConnection(asyncio.Protocol):
    """One connection; made by a connector of aiohttp, which closes it where it still stands."""

    def __init__(self, made: Connection, ended: Callable[[KeptConnection], None]) -> None:
        self._made, self._ended = made, ended
        self._first = made.protocol  # its connector waits for this one's end
        self._transport = cast("asyncio.Transport", made.transport)
        self._transport.set_protocol(self)
        self._waiting: asyncio.Future[RawAnswer] | None = None
        self._came = bytearray()
        self._head: Head | None = None
        self._begins = self._most = 0
        self.keeps = True
        self.idle_since = 0.0

    async def exchange(self, request: bytes, most: int) -> RawAnswer:
        """Send a request and return its answer of at most `most` bytes.

        Raises NotPlain, BeyondCap or aiohttp.ClientError; the connection is closed then.
        """
        self._waiting = asyncio.get_running_loop().create_future()
        self._most = most
        try:
            self._transport.write(request)
            return await self._waiting
        except BaseException:
            self.close()
            raise
        finally:
            self._waiting = None

    def close(self) -> None:
        """Close it now; what has not left yet is dropped.

        A transport that is only closed stays until all of it has left: for ever, where a partner
        reads no further.
        """
        self.keeps = False
        if self._transport.get_write_buffer_size():
            self._transport.abort()
        self._made.close()

    def data_received(self, data: bytes) -> None:
        """Take what came; the answer is whole as soon as its length says so."""
        waiting = self._waiting
        if waiting is None or waiting.done():
            self.close()  # nobody asked
            return
        self._came += data
        if self._head is None and not self._take_head(waiting):
            return
        head = cast("Head", self._head)
        end = self._begins + head.length
        if len(self._came) < end:
            return
        left = not self._transport.get_write_buffer_size()  # else a next question waits behind it
        self.keeps = self.keeps and left and head.keeps and len(self._came) == end
        body = bytes(self._came[self._begins : end])
        self._came, self._head = bytearray(), None
        waiting.set_result(RawAnswer(head.status, head.headers, body))

    def _take_head(self, waiting: asyncio.Future[RawAnswer]) -> bool:
        """Read the head where it is whole; whether the body may be looked for."""
        end = self._came.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES)
        if end < 0:
            if len(self._came) >= MAX_HEAD_BYTES:
                waiting.set_exception(NotPlain())
            return False
        self._begins = end + 4
        self._head = read_head(bytes(self._came[: self._begins]))
        if self._head is None:
            waiting.set_exception(NotPlain())
        elif self._head.length > self._most:
            waiting.set_exception(BeyondCap())
        else:
            return True
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits, and the connector."""
        if self._waiting is not None and not self._waiting.done():
            lost = isinstance(exc, OSError)
            self._waiting.set_exception(
                aiohttp.ClientOSError(*exc.args)
                if exc is not None and lost
                else aiohttp.ServerDisconnectedError()
            )
        self.close()
        self._ended(self)
        if self._first is not None:
            self._first.connection_lost(exc)


class KeptConnections:
    """All connections that are kept, by place; on one event loop."""

    def __init__(self, most: int) -> None:
        """`most`: connections to one place at the same time."""
        self._most = most
        self._idle: defaultdict[Hashable, list[KeptConnection]] = defaultdict(list)
        self._busy: Counter[Hashable] = Counter()
        self._sweeping: asyncio.TimerHandle | None = None

    def is_full(self, place: Hashable) -> bool:
        """Whether no more questions are asked at a place before one of them is answered."""
        return self._busy[place] >= self._most

    async def exchange(
        self,
        place: Hashable,
        connect: Callable[[], Awaitable[Connection]],
        request: bytes,
        most: int,
    ) -> RawAnswer:
        """Ask at a place, on a connection that is kept or else made now; raises as it does."""
        idle = self._idle[place]
        self._busy[place] += 1
        try:
            kept = idle.pop() if idle else KeptConnection(await connect(), self._forget)
            answer = await kept.exchange(request, most)
        finally:
            self._busy[place] -= 1
        if kept.keeps:
            self._keep(idle, kept)
        else:
            kept.close()
        return answer

    def close(self) -> None:
        """Close what is idle; what is under way ends with its connector."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
        for idle in self._idle.values():
            for kept in list(idle):
                kept.close()
            idle.clear()

    def _keep(self, idle: list[KeptConnection], kept: KeptConnection) -> None:
        loop = asyncio.get_running_loop()
        kept.idle_since = loop.time()
        idle.append(kept)
        if self._sweeping is None:
            self._sweeping = loop.call_later(KEPT_S, self._sweep)

    def _sweep(self) -> None:
        """Close what has been idle for too long; look again while anything is kept."""
        loop = asyncio.get_running_loop()
        self._sweeping, before = None, loop.time() - KEPT_S
        for place, idle in list(self._idle.items()):
            for kept in [each for each in idle if each.idle_since <= before]:
                idle.remove(kept)
                kept.close()
            if not idle and not self._busy[place]:
                del self._idle[place], self._busy[place]
        if any(self._idle.values()):
            self._sweeping = loop.call_later(KEPT_S, self._sweep)

    def _forget(self, kept: KeptConnection) -> None:
        for idle in self._idle.values():
            if kept in idle:
                idle.remove(kept)
