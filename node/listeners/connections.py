"""How many connections a public listener keeps, and for how long one may say nothing.

A connection that sends no whole request head in time, or stays idle, is closed; one over the cap
is closed at accept. Without this a stranger could hold all file descriptors by sending slowly.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from node.listeners.middleware import http_problem, problem_response

if TYPE_CHECKING:
    from node.listeners.short_way import ShortWay
    from protocol.accept_query import RawRequest

FIRST_REQUEST_S = 10.0
IDLE_S = 75.0
SWEEP_S = 1.0


class _Refused(asyncio.Protocol):
    """A connection over the cap: closed as soon as it exists."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close it."""
        transport.close()


class _Counted(web.RequestHandler):
    """A connection that says when it is gone; its requests may take a short way."""

    def __init__(self, server: web.Server, owner: Connections, short_way: ShortWay | None) -> None:
        # no decompression: a body is taken as it came, its digest covers the raw bytes
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # means no access log, as in AppRunner
            auto_decompress=False,
        )
        self._owner = owner
        self._short_way = short_way
        self._answering: asyncio.Task[None] | None = None
        self._waiting: list[bytes] = []
        self._draining = False

    def data_received(self, data: bytes) -> None:
        """Answer what comes whole and plain; from anything else on, this is aiohttp's."""
        if self._short_way is None:
            super().data_received(data)
        elif (
            self._answering is not None or self._draining
        ):  # who does not wait for the answer is read no further
            self._waiting.append(data)
            self._pause_transport_reading()
        elif self.transport is not None:
            remote = self.transport.get_extra_info("peername")[0]
            request = self._short_way.read(data, remote)
            if request is None:
                self._short_way = None
                super().data_received(data)
            else:
                self.keep_alive(True)  # ends aiohttp's own timer; the owner sweeps what is idle
                self._owner.set(self, None)
                answer = self._answered(self._short_way, request, remote)
                self._answering = asyncio.get_running_loop().create_task(answer)

    async def _answered(self, short_way: ShortWay, request: RawRequest, remote: str) -> None:
        try:
            answer = await short_way.answer(request, remote)
        finally:
            self._owner.set_idle(self)
        if self.transport is None:  # closed while the answer was made
            return
        self.transport.write(answer)
        if self.writing_paused:
            await self._drain_helper()
        self._answering = None
        waiting, self._waiting = self._waiting, []
        if waiting and not self._draining:
            self._resume_transport_reading()
            self.data_received(b"".join(waiting))

    async def shutdown(
        self,
        timeout: float | None = 15.0,  # noqa: ASYNC109 # as in aiohttp, which calls it
    ) -> None:
        """Let the request under way end, then aiohttp's."""
        self._draining = True
        if self._answering is not None:
            await asyncio.wait({self._answering}, timeout=timeout)
        await super().shutdown(timeout)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no HTTP with a problem body; aiohttp's own words would quote it."""
        status = super().handle_error(request, status, exc, message).status
        response = problem_response(http_problem(status, "malformed-http"))
        response.headers["Server"] = "interlingua"
        response.force_close()
        return response

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tell the counter, then aiohttp."""
        self._owner.forget(self)
        if self._answering is not None:
            self._answering.cancel()
        super().connection_lost(exc)


class Connections:
    """Counts and times the connections of one listener.

    Args:
        cap: connections open at once, those in a TLS handshake included.
        first_request_s: seconds until the head of the first request must be whole.
        idle_s: the same for each later request, counted from the end of the one before.
    """

    def __init__(
        self, cap: int, *, first_request_s: float = FIRST_REQUEST_S, idle_s: float = IDLE_S
    ) -> None:
        self._cap = cap
        self._first_request_s = first_request_s
        self._idle_s = idle_s
        self.short_way: ShortWay | None = None
        """How signed requests are answered without aiohttp; None: they are not."""
        # monotonic seconds by which the next request's head must be whole; None: one is handled
        self._deadline: dict[Any, float | None] = {}

    def __len__(self) -> int:
        return len(self._deadline)

    def factory(self, server: web.Server) -> Callable[[], asyncio.Protocol]:
        """The protocol factory for `loop.create_server` around aiohttp's own."""

        def make() -> asyncio.Protocol:
            if len(self._deadline) >= self._cap:
                return _Refused()
            handler = _Counted(server, self, self.short_way)
            self._deadline[handler] = time.monotonic() + self._first_request_s
            return handler

        return make

    def middleware(self) -> Middleware:
        """A middleware that suspends the deadline while a request is handled."""

        @web.middleware
        async def under_way(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.set(request.protocol, None)
            try:
                return await handler(request)
            finally:
                self.set_idle(request.protocol)

        return under_way

    @asynccontextmanager
    async def swept(self) -> AsyncIterator[None]:
        """Close late connections until left."""
        sweeper = asyncio.create_task(self._sweep())
        try:
            yield
        finally:
            sweeper.cancel()
            with suppress(asyncio.CancelledError):
                await sweeper

    def forget(self, connection: object) -> None:
        """Count a connection no longer."""
        self._deadline.pop(connection, None)

    def set(self, connection: object, deadline: float | None) -> None:
        """Set by when the head of the next request must be whole; None while one is handled."""
        if connection in self._deadline:
            self._deadline[connection] = deadline

    def set_idle(self, connection: object) -> None:
        """Begin the time of an idle connection: its request has been handled."""
        self.set(connection, time.monotonic() + self._idle_s)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            now = time.monotonic()
            late = [key for key, at in self._deadline.items() if at is not None and at < now]
            for handler in late:
                if handler.transport is not None:
                    handler.transport.abort()
                else:  # the TLS handshake failed: there never was a connection
                    self._deadline.pop(handler, None)
