"""The federation listener: bytes in, bytes out. What is decided is decided elsewhere.

The handler turns the HTTP request into a `RawRequest` (headers as raw pairs in wire order, path and
query as they were sent) and writes what `node.responder` answers. Besides the signed endpoints it
serves the node's two signed documents to anybody, and takes partners'. Everything else is unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from email.utils import formatdate

from aiohttp import web

from node.federation.announcements import ANSWER_AFTER_S
from node.federation.replies import RawResponse
from node.listeners.app_keys import LISTENER, METRICS, NODE
from node.listeners.bodies import Bodies, TooManyBytes, network_of
from node.listeners.connections import Connections
from node.listeners.middleware import counts, name_the_server, problems
from node.listeners.pairing import add_pairing
from node.listeners.short_way import ShortWay
from node.listeners.witness import add_witness
from node.metrics import Metrics
from node.node import Node
from node.operations.errors import NotFound
from protocol.accept_query import RawRequest
from protocol.announcement import ANNOUNCE_PATH
from protocol.limits import MAX_ANNOUNCEMENT_BYTES, MAX_QUERY_BYTES
from protocol.problems import KINDS, PROBLEM_TYPE, Code, Problem
from protocol.profile import ENDPOINTS, LOG_PREFIX, TILE

SIGNED_DOCUMENT = "application/json"
BODIES = web.AppKey("bodies", Bodies)
ANNOUNCED = web.AppKey("announced", Bodies)


def federation_app(node: Node, metrics: Metrics, connections: Connections) -> web.Application:
    """The application of the federation listener."""
    app = web.Application(middlewares=[connections.middleware(), counts, problems])
    app[BODIES] = Bodies(MAX_QUERY_BYTES, node.settings.federation.body_timeout_s)
    app.on_response_prepare.append(name_the_server)
    app.on_response_prepare.append(date_the_answer)
    app[NODE], app[METRICS], app[LISTENER] = node, metrics, "federation"
    app.router.add_get("/.well-known/interlingua-root", root_document)
    app.router.add_get("/.well-known/interlingua-root/{version:[1-9][0-9]{0,8}}", root_document)
    app.router.add_get("/.well-known/interlingua-node", card)
    app[ANNOUNCED] = Bodies(
        MAX_ANNOUNCEMENT_BYTES, node.settings.federation.body_timeout_s, gives_way=True
    )
    app.router.add_post(ANNOUNCE_PATH, announce)
    for endpoint in ENDPOINTS:
        path = LOG_PREFIX + "{tile:tile/.+}" if endpoint is TILE else endpoint.path
        app.router.add_route(endpoint.method, path, signed)
    add_pairing(app, node.settings.federation.body_timeout_s)
    add_witness(app, node.settings.federation.body_timeout_s)
    app.router.add_route("*", "/{anything:.*}", unknown)

    def answer(request: RawRequest, remote: str) -> Awaitable[RawResponse]:
        # looked up for each request, as `signed` does: both ways ask the same responder
        return node.responder.answer(request, remote)

    connections.short_way = ShortWay(answer, app[BODIES], node.clock, metrics, app[LISTENER])
    return app


async def signed(request: web.Request) -> web.Response:
    """A signed endpoint: the request as it came, to the responder and back."""
    path, _, query = request.raw_path.partition("?")
    node = request.app[NODE]
    # not request.host, which invents a name where the header is missing
    authority = request.headers.get("Host", "").lower()
    head = RawRequest(request.method, authority, path, query, request.raw_headers, b"")
    try:
        body = await request.app[BODIES].read(request, lambda: node.responder.partner_behind(head))
    except web.HTTPRequestEntityTooLarge:
        return _refused(Code.TOO_LARGE)
    except TooManyBytes:
        return _refused(Code.BUSY)
    answer = await node.responder.answer(replace(head, body=body), request.remote or "")
    return web.Response(status=answer.status, headers=answer.headers, body=answer.body)


async def announce(request: web.Request) -> web.Response:
    """Somebody's newest documents: the same answer for everybody, after the same time.

    Beyond the counts of a minute the answer is another one, and what was brought is taken all the
    same: nobody's announcements keep those of others out.
    """
    announcements, network = request.app[NODE].announcements, network_of(request.remote or "")
    within = announcements.admit(network)
    try:
        body = await request.app[ANNOUNCED].read(request)
    except web.HTTPRequestEntityTooLarge:
        return _refused(Code.TOO_LARGE)
    except TooManyBytes:
        return _refused(Code.RATE_LIMITED)
    taken = announcements.take(body, network)
    await asyncio.sleep(ANSWER_AFTER_S)
    return web.Response(status=202) if within and taken else _refused(Code.RATE_LIMITED)


async def root_document(request: web.Request) -> web.Response:
    """The newest root document, or one earlier version of it."""
    identity = request.app[NODE].identity
    version = request.match_info.get("version")
    raw = identity.root_raw if version is None else identity.root_version(int(version))
    if raw is None:
        raise NotFound(
            "There is no such version of the root document.",
            fix="GET the path without a version for the newest one.",
        )
    return web.Response(body=raw, content_type=SIGNED_DOCUMENT)


async def card(request: web.Request) -> web.Response:
    """The card that is valid now."""
    return web.Response(body=request.app[NODE].card.raw, content_type=SIGNED_DOCUMENT)


async def date_the_answer(request: web.Request, response: web.StreamResponse) -> None:
    """Say what the node's clock says: by this a partner sees how far two clocks lie apart."""
    response.headers["Date"] = formatdate(request.app[NODE].clock(), usegmt=True)


async def unknown(request: web.Request) -> web.Response:
    """Everything else, whatever its method."""
    del request
    return _refused(Code.UNKNOWN_ENDPOINT)


def _refused(code: Code) -> web.Response:
    """An unsigned refusal: it says the code and nothing else."""
    body = Problem.of(code).encode()
    return web.Response(status=KINDS[code].status, body=body, content_type=PROBLEM_TYPE)
