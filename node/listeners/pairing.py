"""The endpoint to which pairing requests come: strangers', so it reads little and says little.

The rule of this file: size, rate and memory are bounded before anything is read; what is answered
is the reason that the protocol allows (`protocol.pairing.problem_of`), never who the partners are.
"""

from __future__ import annotations

import time

import structlog
from aiohttp import web

from node.federation.errors import TooManyPairings
from node.federation.event_leaves import peer_appender
from node.listeners.app_keys import NODE
from node.listeners.bodies import Bodies, TooManyBytes
from node.listeners.strangers import Strangers
from protocol.invitation import PairingRefused
from protocol.limits import MAX_PAIRING_BYTES, MAX_PAIRINGS_PER_MINUTE
from protocol.pairing import PAIRING_MEDIA_TYPE, PAIRING_PATH, RECEIVED, problem_of
from protocol.problems import PROBLEM_TYPE, Code, Problem

MAX_HELD_BYTES = 8 * MAX_PAIRING_BYTES
IN_ALL_PER_MINUTE = 4 * MAX_PAIRINGS_PER_MINUTE

_BODIES = web.AppKey("pairing_bodies", Bodies)
_STRANGERS = web.AppKey("pairing_strangers", Strangers)

_log = structlog.get_logger(__name__)


def add_pairing(app: web.Application, body_timeout_s: float) -> None:
    """Add the endpoint to the federation listener's application."""
    app[_BODIES] = Bodies(MAX_PAIRING_BYTES, body_timeout_s, MAX_HELD_BYTES)
    app[_STRANGERS] = Strangers(MAX_PAIRINGS_PER_MINUTE, IN_ALL_PER_MINUTE)
    app.router.add_post(PAIRING_PATH, receive)


async def receive(request: web.Request) -> web.Response:
    """Take a request to be paired."""
    if not request.app[_STRANGERS].admit(request.remote or "", time.monotonic()):
        return _said(Problem.of(Code.RATE_LIMITED))
    if request.content_type != PAIRING_MEDIA_TYPE or "Content-Encoding" in request.headers:
        return _said(Problem.of(Code.UNSUPPORTED_MEDIA_TYPE))
    try:
        raw = await request.app[_BODIES].read(request)
    except web.HTTPRequestEntityTooLarge:
        return _said(Problem.of(Code.TOO_LARGE))
    except TooManyBytes:
        return _said(Problem.of(Code.BUSY))
    node = request.app[NODE]
    try:
        await node.pairing.answer(raw, peer_appender(node.log, node.clock, None))
    except PairingRefused as refused:
        _log.info("pairing request refused", reason=refused.reason)
        return _said(problem_of(refused))
    except TooManyPairings as full:
        _log.warning("pairing request refused", cause=str(full))
        return _said(Problem.of(Code.BUSY))
    except Exception:  # whatever failed here is no stranger's business
        _log.exception("pairing request failed")
        return _said(Problem.of(Code.UNAVAILABLE))
    return web.Response(status=202, body=RECEIVED, content_type=PAIRING_MEDIA_TYPE)


def _said(problem: Problem) -> web.Response:
    return web.Response(status=problem.status, body=problem.encode(), content_type=PROBLEM_TYPE)
