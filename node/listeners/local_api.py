"""The local API: the organisation's own programs ask here, with a bearer token.

Every answer is an operation's result or a problem body (RFC 9457). A caller without a valid token
learns nothing, whatever the path; the OpenAPI document alone is open.
"""

from __future__ import annotations

from typing import get_origin

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel

from node.listeners.app_keys import LISTENER, METRICS, NODE
from node.listeners.connections import Connections
from node.listeners.endpoints import ASKERS, ENDPOINTS, OPENAPI_PATH, Endpoint
from node.listeners.hosts import known_hosts_only
from node.listeners.local_scope import narrowed, require_role
from node.listeners.log_tiles import add_log_tiles
from node.listeners.middleware import counts, name_the_server, problems
from node.metrics import Metrics
from node.node import Node
from node.openapi import document
from node.operations.caller import acting_as
from node.operations.catalogue import find
from node.operations.errors import translate
from node.operations.registry import Operation, silent
from node.tokens import Token

JSON = "application/json"
DOCUMENT = web.AppKey("document", bytes)


def local_app(node: Node, metrics: Metrics, connections: Connections) -> web.Application:
    """The application of the local API."""
    settings = node.settings.local_api
    hosts = known_hosts_only((settings.host, *settings.names))
    app = web.Application(
        client_max_size=settings.max_body_bytes,
        middlewares=[connections.middleware(), counts, problems, hosts],
    )
    app.on_response_prepare.append(name_the_server)
    app[NODE], app[METRICS], app[LISTENER] = node, metrics, "local_api"
    app[DOCUMENT] = orjson.dumps(document())
    app.router.add_get(OPENAPI_PATH, openapi)
    for endpoint in ENDPOINTS:
        app.router.add_route(endpoint.method, endpoint.path, _handler(endpoint))
    add_log_tiles(app, holder)
    return app


async def openapi(request: web.Request) -> web.Response:
    """The OpenAPI document of this API."""
    return web.Response(body=request.app[DOCUMENT], content_type=JSON)


def _handler(endpoint: Endpoint) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        token = holder(request)
        require_role(token, endpoint.roles)
        operation = find(endpoint.operation)
        asked = await _asked(request, operation.request)
        if endpoint.roles is ASKERS:  # what an auditor looks for is not what anybody asks for
            asked = narrowed(token, asked)
        result = await _run(request, operation, asked, token)
        return web.Response(body=result.model_dump_json().encode(), content_type=JSON)

    return handle


def holder(request: web.Request) -> Token:
    """The holder of the bearer token (RFC 6750).

    Raises:
        HTTPUnauthorized: no token, or none that is valid.
    """
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    tokens = request.app[NODE].tokens
    token = tokens.holder(secret.strip()) if scheme.lower() == "bearer" else None
    if token is None:
        raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer"})
    return token


async def _asked(request: web.Request, model: type[BaseModel]) -> BaseModel:
    """The operation's request: from the query string of a GET, from the JSON body of a POST."""
    if request.method == "POST":
        if request.content_type != JSON:
            raise web.HTTPUnsupportedMediaType()
        return model.model_validate_json(await request.read())
    given: dict[str, object] = {}
    for name in request.query:
        values = request.query.getall(name)
        field = model.model_fields.get(name)
        many = field is not None and get_origin(field.annotation) in (tuple, list)
        given[name] = values if many else values[-1]
    return model.model_validate(given)


async def _run(
    request: web.Request, operation: Operation, asked: BaseModel, token: Token
) -> BaseModel:
    """Run it on the token's behalf and count how it ended."""
    operations = request.app[METRICS].operations
    try:
        with acting_as(token.name):
            result = await operation.handler(request.app[NODE], asked, silent)
    except Exception as error:
        operations.labels(operation.name, str(int(translate(error).exit_code))).inc()
        raise
    operations.labels(operation.name, "0").inc()
    return result
