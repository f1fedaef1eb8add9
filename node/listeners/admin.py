"""The admin listener: health, readiness and metrics, on loopback by default.

`/healthz` answers 200 while the node can do its duty, which is to write its log; an orchestrator
that restarts on 503 does the right thing. `/readyz` answers 200 when the start has ended (which
opens log and indexes), no stop has begun, and root document and card are valid; a load balancer
goes by it.
"""

from __future__ import annotations

import orjson
from aiohttp import web

from node.health import Health
from node.listeners.app_keys import LISTENER, METRICS, NODE
from node.listeners.connections import Connections
from node.listeners.hosts import known_hosts_only
from node.listeners.middleware import counts, name_the_server, problems
from node.metrics import Metrics
from node.node import Node

HEALTH = web.AppKey("health", Health)


def admin_app(
    node: Node, metrics: Metrics, health: Health, connections: Connections
) -> web.Application:
    """The application of the admin listener."""
    settings = node.settings.admin
    hosts = known_hosts_only((settings.host, *settings.names))
    app = web.Application(middlewares=[connections.middleware(), counts, problems, hosts])
    app.on_response_prepare.append(name_the_server)
    app[NODE], app[METRICS], app[LISTENER], app[HEALTH] = node, metrics, "admin", health
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics_page)
    return app


async def healthz(request: web.Request) -> web.Response:
    """200 while the log can be written, else 503 with the reason."""
    return _answer(await request.app[HEALTH].alive())


async def readyz(request: web.Request) -> web.Response:
    """200 when the node may be asked, else 503 with the reasons."""
    return _answer(await request.app[HEALTH].ready())


async def metrics_page(request: web.Request) -> web.Response:
    """The metrics in Prometheus' text format."""
    return web.Response(
        body=request.app[METRICS].exposition(),
        headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
    )


def _answer(reasons: list[str]) -> web.Response:
    """No reasons against it: 200."""
    body = {"ok": not reasons, "reasons": reasons}
    return web.Response(
        status=503 if reasons else 200, body=orjson.dumps(body), content_type="application/json"
    )
