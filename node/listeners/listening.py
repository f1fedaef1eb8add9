"""Starting and draining one HTTP listener on one address.

On leaving, the listener first stops accepting, then gives requests under way `shutdown_s` seconds.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, cast

from aiohttp import web

from node.listeners.connections import Connections
from node.operations.errors import Unavailable

BACKLOG = 256
TLS_HANDSHAKE_S = 8.0  # shorter than the time for a first request, which counts from accept


@dataclass(frozen=True)
class Listening:
    """Where a listener really listens (port 0 in the settings means: chosen by the system)."""

    host: str
    port: int
    tls: bool

    @property
    def url(self) -> str:
        """Base URL of the listener."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"


class Where(Protocol):
    """The part of a listener's settings that says where it listens."""

    @property
    def host(self) -> str:
        """Address or name to bind."""

    @property
    def port(self) -> int:
        """Port; 0 lets the system choose."""


@asynccontextmanager
async def listening(
    name: str,
    app: web.Application,
    connections: Connections,
    where: Where,
    shutdown_s: float,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Listening]:
    """Serve an application until left.

    Raises:
        Unavailable: the address or port cannot be bound.
    """
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=shutdown_s)
    await runner.setup()
    http = cast(web.Server, runner.server)  # setup() made it
    bound = _bind(name, where.host, where.port)
    server = await asyncio.get_running_loop().create_server(
        connections.factory(http),
        sock=bound,
        ssl=tls,
        backlog=BACKLOG,
        ssl_handshake_timeout=TLS_HANDSHAKE_S if tls else None,
    )
    try:
        async with connections.swept():
            yield Listening(where.host, bound.getsockname()[1], tls is not None)
    finally:
        server.close()
        await runner.cleanup()


def _bind(name: str, host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
            bound.setblocking(False)
        except OSError:
            bound.close()
            raise
    except OSError as error:
        raise Unavailable(
            f"The {name} listener cannot have {host} port {port}: {error.strerror}.",
            fix=f"Set {name}.host and {name}.port in interlingua.toml, or stop what listens there.",
            code="cannot-listen",
        ) from None
    return bound
