"""The admin socket: every operation of a running node, for whoever owns the data directory.

A Unix socket of mode 0600 in a 0700 directory; there is no other check, because its callers could
read the keys anyway. `POST /v1/operations/{name}` takes the request model as JSON and answers
with lines of JSON: any number of `{"progress": {"done", "total", "what"}}`, then one
`{"result": ...}` or `{"problem": ...}`. When the caller hangs up, the operation is cancelled.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import structlog
from aiohttp import web

from node.data_directory import DataDirectory, short_socket_path
from node.listeners.app_keys import LISTENER, METRICS, NODE
from node.listeners.middleware import problems
from node.metrics import Metrics
from node.node import Node
from node.operations.catalogue import find
from node.operations.errors import OperationError, translate

PROGRESS_EVERY_S = 0.1
MAX_REQUEST_BYTES = 64 * 1024 * 1024  # a batch of query vectors is the largest request

log = structlog.get_logger("admin")


@asynccontextmanager
async def admin_socket(node: Node, metrics: Metrics, *, shutdown_s: float) -> AsyncIterator[None]:
    """Serve operations on the data directory's socket until left."""
    app = web.Application(client_max_size=MAX_REQUEST_BYTES, middlewares=[problems])
    app[NODE], app[METRICS], app[LISTENER] = node, metrics, "admin-socket"
    app.router.add_post("/v1/operations/{name}", run)
    runner = web.AppRunner(
        app, access_log=None, handler_cancellation=True, shutdown_timeout=shutdown_s
    )
    await runner.setup()
    bound = bind(node.data)
    try:
        await web.SockSite(runner, bound).start()
        yield
    finally:
        node.data.admin_socket.unlink(missing_ok=True)
        await runner.cleanup()
        bound.close()


def bind(data: DataDirectory) -> socket.socket:
    """A socket at the data directory's path, 0600 from the first moment.

    A left-over file is removed: the caller holds the directory's lock, so nobody serves it.
    """
    data.admin_socket.unlink(missing_ok=True)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with short_socket_path(data.admin_socket) as path:
            bound.bind(str(path))
    finally:
        os.umask(before)
    return bound


async def run(request: web.Request) -> web.StreamResponse:
    """Run one operation and stream its progress and end."""
    name = request.match_info["name"]
    steps = _Steps()
    work = asyncio.create_task(_run(request, name, steps))
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    await response.prepare(request)
    try:
        while not work.done():
            await asyncio.wait({work}, timeout=PROGRESS_EVERY_S)
            for step in steps.take():
                await response.write(orjson.dumps({"progress": step}) + b"\n")
        await response.write(orjson.dumps(work.result()) + b"\n")
        await response.write_eof()
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
    return response


async def _run(request: web.Request, name: str, steps: _Steps) -> dict[str, Any]:
    """The last line: the operation's result or its problem."""
    node, metrics = request.app[NODE], request.app[METRICS]
    try:
        operation = find(name)
        asked = operation.request.model_validate_json(await request.read() or b"{}")
        result = await operation.handler(node, asked, steps.add)
    except Exception as error:
        failure = translate(error)
        if failure.code == "unexpected":
            log.exception("operation failed unexpectedly", operation=name)
        _count(metrics, name, failure)
        return {"problem": failure.problem().model_dump()}
    metrics.operations.labels(name, "0").inc()
    return {"result": result.model_dump(mode="json")}


def _count(metrics: Metrics, name: str, failure: OperationError) -> None:
    known = name if failure.code != "unknown-operation" else "unknown"
    metrics.operations.labels(known, str(int(failure.exit_code))).inc()


class _Steps:
    """The newest progress of each kind since the last look; safe to fill from any thread."""

    def __init__(self) -> None:
        self._newest: dict[str, dict[str, object]] = {}

    def add(self, done: int, total: int | None, what: str) -> None:
        """A `Progress`."""
        self._newest[what] = {"done": done, "total": total, "what": what}

    def take(self) -> list[dict[str, object]]:
        """What came since the last call."""
        taken, self._newest = self._newest, {}
        return list(taken.values())
