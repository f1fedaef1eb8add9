"""The running node: rooms open, admin socket, three listeners, repeated work; then a clean stop.

SIGTERM and SIGINT begin the stop: readiness says no, listeners stop accepting, requests under way
get `shutdown_s` seconds, then everything closes in reverse order. A second signal ends at once.
"""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

import structlog
from aiohttp import web

from node.admin_socket import admin_socket
from node.background import Periodic, running
from node.gauges import NodeGauges
from node.health import Health
from node.listeners import addresses
from node.listeners.admin import admin_app
from node.listeners.connections import Connections
from node.listeners.federation import federation_app
from node.listeners.listening import Listening, Where, listening
from node.listeners.live_tls import LOOK_S, LiveTls
from node.listeners.local_api import local_app
from node.listeners.tls import require_loopback
from node.metrics import Metrics
from node.node import Node

if TYPE_CHECKING:
    from node.config import Settings
    from node.data_directory import DataDirectory
    from node.listeners.addresses import Listeners
    from node.passphrase import Passphrase

LOCAL = 256  # connections

log = structlog.get_logger("node")


async def serve(
    data: DataDirectory,
    settings: Settings,
    passphrase: Passphrase,
    *,
    started: Callable[[Listeners], None],
    stop: asyncio.Event | None = None,
) -> None:
    """Run a node until it is told to stop.

    Args:
        data: its directory, not locked yet.
        settings: its configuration.
        passphrase: opens its keys.
        started: called once, when all listeners are up.
        stop: set it to stop; default: SIGTERM and SIGINT do.

    Raises:
        OperationError: it cannot start; the message names cause and fix.
    """
    stop = stop or _stop_on_signals()
    require_loopback("local_api", settings.local_api)
    require_loopback("admin", settings.admin)
    live = LiveTls(settings.federation)
    tls = live.context
    async with AsyncExitStack() as stack:
        stack.enter_context(data.lock())
        addresses.withdraw(data)  # what a killed node left
        node = await stack.enter_async_context(Node.opened(data, settings, passphrase=passphrase))
        await node.settle()
        listen = partial(_listen, stack, settings.shutdown_s)
        metrics, health = Metrics(), Health(node)
        metrics.registry.register(NodeGauges(node, lambda: live.expires))
        # first, so that an orchestrator sees a node that takes its time to load indexes
        admin = await listen(
            "admin", settings.admin, partial(admin_app, node, metrics, health), LOCAL
        )
        await node.start()
        await stack.enter_async_context(admin_socket(node, metrics, shutdown_s=settings.shutdown_s))
        local_api = await listen(
            "local_api", settings.local_api, partial(local_app, node, metrics), LOCAL
        )
        federation = None
        if settings.federation.enabled:
            federation = await listen(
                "federation",
                settings.federation,
                partial(federation_app, node, metrics),
                settings.federation.max_connections,
                tls,
            )
        stack.callback(addresses.withdraw, data)
        shown = addresses.publish(data, federation, local_api, admin)
        await stack.enter_async_context(
            running([*node.periodic, Periodic("tls", LOOK_S, live.look)])
        )
        node.serving = True
        health.serving()
        log.info("serving", organisation=settings.organisation, **_ports(shown))
        started(shown)
        await stop.wait()
        health.draining()
        log.info("stopping", organisation=settings.organisation)
    log.info("stopped", organisation=settings.organisation)


async def _listen(
    stack: AsyncExitStack,
    drain_s: float,
    name: str,
    where: Where,
    application: Callable[[Connections], web.Application],
    cap: int,
    tls: ssl.SSLContext | None = None,
) -> Listening:
    """Start a listener that the stack stops."""
    connections = Connections(cap)
    return await stack.enter_async_context(
        listening(name, application(connections), connections, where, drain_s, tls)
    )


def _stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM or SIGINT sets; a second one has its default effect."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def begin() -> None:
        stop.set()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, begin)
    return stop


def _ports(shown: Listeners) -> dict[str, str]:
    return {
        "federation": shown.partners.url if shown.partners is not None else "none",
        "local_api": shown.local_api.url,
        "admin": shown.admin.url,
    }
