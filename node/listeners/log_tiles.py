"""The audit log for the organisation's own auditors, as C2SP tlog-tiles lays it out.

The rule of this file: whoever reads leaves is an auditor by token, and the log says so before it
gives them (ADR 0040). The checkpoint and tiles of hashes hold nothing to be logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from node.audit import tiles
from node.audit.search import count
from node.listeners.app_keys import NODE
from node.listeners.endpoints import LOG_PREFIX, READERS
from node.listeners.local_scope import require_role
from node.operations.errors import InvalidRequest, NotFound
from node.tokens import Token
from protocol.leaf_filter import LeafFilter
from protocol.tiles import parse_path

Holder = Callable[[web.Request], Token]
"""Gives the holder of a request's token; raises HTTPUnauthorized."""


def add_log_tiles(app: web.Application, holder: Holder) -> None:
    """Serve checkpoint, tiles of hashes and bundles of entries below `LOG_PREFIX`."""

    async def checkpoint(request: web.Request) -> web.Response:
        _reader(holder(request), request)
        note = await asyncio.to_thread(tiles.checkpoint, request.app[NODE].data.log_file)
        return _response(note, tiles.CHECKPOINT_TYPE, tiles.CHANGES)

    async def tile(request: web.Request) -> web.Response:
        return await _tile(_reader(holder(request), request), request)

    app.router.add_get(LOG_PREFIX + "checkpoint", checkpoint)
    app.router.add_get(LOG_PREFIX + "{tile:tile/.+}", tile)


def _reader(token: Token, request: web.Request) -> Token:
    require_role(token, READERS)
    if request.query:
        raise InvalidRequest(
            "The log's resources take no query.", fix="GET the path as C2SP tlog-tiles has it."
        )
    return token


async def _tile(token: Token, request: web.Request) -> web.Response:
    node, wanted = request.app[NODE], parse_path(request.match_info["tile"])
    file = node.data.log_file
    content = None
    if wanted is not None:
        if wanted.level is None:
            await node.readings.note(token.name, "entries", lambda: count(file, LeafFilter()))
        content = await asyncio.to_thread(tiles.read, file, wanted)
    if wanted is None or content is None:
        raise NotFound(
            f"The log has no {request.match_info['tile']}.",
            fix=f"See the size of the tree in {LOG_PREFIX}checkpoint, and C2SP tlog-tiles.",
            code="no-such-tile",
        )
    response = _response(content, tiles.TILE_TYPE, tiles.STAYS)
    if wanted.level is None:
        response.enable_compression()  # where the client accepts it
    return response


def _response(body: bytes, content_type: str, further: tuple[tuple[str, str], ...]) -> web.Response:
    return web.Response(body=body, headers={"Content-Type": content_type, **dict(further)})
