"""What every HTTP answer has: a problem body (RFC 9457) when it is an error, and a count.

The route in a metric is the registered one, so that a stranger's paths make no new series.
"""

from __future__ import annotations

import time

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from node.listeners.app_keys import LISTENER, METRICS
from node.operations.errors import OperationError, OperationProblem, translate

PROBLEM = "application/problem+json"
TITLES = {
    400: "The request is not valid",
    401: "A valid token is needed",
    404: "There is nothing at this path",
    405: "This path does not take this method",
    408: "The request took too long to arrive",
    413: "The request is too large",
    415: "This content type is not taken",
    421: "This listener is not called by that name",
}
FIXES = {
    400: "Send a well-formed HTTP/1.1 request.",
    401: "Send `Authorization: Bearer TOKEN`; `interlingua token create NAME` makes one.",
    404: "GET /v1/openapi.json of the local API lists its paths; docs/protocol.md the partners'.",
    405: "The header Allow names the methods that this path takes.",
    408: "Send the whole request without a pause, or a smaller one.",
    413: "Send less at once; docs/configuration.md and docs/protocol.md name the limits.",
    415: "Send `Content-Type: application/json`.",
    421: "Call it by its address or localhost, or list the name in local_api.names or admin.names.",
}
ANY_FIX = "Look at the node's log and at `interlingua doctor`, then try again."

log = structlog.get_logger("http")


def problem_response(problem: OperationProblem) -> web.Response:
    """A problem body with its status."""
    body = problem.model_dump_json().encode()
    return web.Response(status=problem.status, body=body, content_type=PROBLEM)


def http_problem(status: int, code: str) -> OperationProblem:
    """The problem of an HTTP status that no operation gave."""
    return OperationProblem(
        type=f"urn:interlingua:problem:{code}",
        title=TITLES.get(status, "The request failed"),
        status=status,
        detail=f"{TITLES.get(status, 'The request failed')}.",
        code=code,
        fix=FIXES.get(status, ANY_FIX),
        exit_code=2 if status < 500 else 1,
    )


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into a problem body; unexpected ones are logged with their traceback."""
    try:
        return await handler(request)
    except OperationError as error:
        return problem_response(error.problem())
    except web.HTTPException as error:
        response = problem_response(http_problem(error.status, _slug(error)))
        for name in ("Allow", "WWW-Authenticate"):
            if name in error.headers:
                response.headers[name] = error.headers[name]
        return response
    except TimeoutError:
        return problem_response(http_problem(408, "request-timeout"))
    except Exception as error:
        failure = translate(error)
        if failure.code == "unexpected":
            log.exception("unexpected failure", listener=request.app[LISTENER])
        return problem_response(failure.problem())


@web.middleware
async def counts(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count the request and measure its duration."""
    started = time.perf_counter()
    response = await handler(request)
    metrics, listener = request.app[METRICS], request.app[LISTENER]
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else "unknown"
    metrics.requests.labels(listener, route, str(response.status)).inc()
    metrics.seconds.labels(listener, route).observe(time.perf_counter() - started)
    return response


async def name_the_server(request: web.Request, response: web.StreamResponse) -> None:
    """Say what answers, and not which version of what: a signal of each application."""
    del request
    response.headers["Server"] = "interlingua"


def _slug(error: web.HTTPException) -> str:
    """`Method Not Allowed` -> `method-not-allowed`."""
    return (error.reason or "http-error").lower().replace(" ", "-")
