"""The endpoint at which partners' logs ask for a cosignature: unsigned, as C2SP tlog-witness says.

The rule of this file: size, rate and memory are bounded before anything is read; what is decided,
and with which status, is `node/witness/cosigner.py`'s. Bodies of refusals are words for people.
"""

from __future__ import annotations

import time

import structlog
from aiohttp import web

from node.audit.errors import LogUnavailable
from node.listeners.app_keys import NODE
from node.listeners.bodies import Bodies, TooManyBytes, network_of
from node.listeners.strangers import Strangers
from protocol.add_checkpoint import (
    ADD_CHECKPOINT_PATH,
    SIZE_TYPE,
    OtherOldSize,
    SubmissionRefused,
)
from protocol.limits import MAX_ADD_CHECKPOINT_BYTES

PER_ADDRESS = 240
IN_ALL = 2400
"""Requests a minute that are read, of one network and of all."""
MAX_HELD_BYTES = 64 * MAX_ADD_CHECKPOINT_BYTES

_BODIES = web.AppKey("witness_bodies", Bodies)
_STRANGERS = web.AppKey("witness_strangers", Strangers)

_log = structlog.get_logger("witness")


def add_witness(app: web.Application, body_timeout_s: float) -> None:
    """Add the endpoint to the federation listener's application."""
    app[_BODIES] = Bodies(MAX_ADD_CHECKPOINT_BYTES, body_timeout_s, MAX_HELD_BYTES)
    app[_STRANGERS] = Strangers(PER_ADDRESS, IN_ALL)
    app.router.add_post(ADD_CHECKPOINT_PATH, add_checkpoint)


async def add_checkpoint(request: web.Request) -> web.Response:
    """Cosign a checkpoint, or say by the status why not."""
    remote = request.remote or ""
    if not request.app[_STRANGERS].admit(remote, time.monotonic()):
        return _said(429, "too many requests from this network")
    try:
        raw = await request.app[_BODIES].read(request)
    except web.HTTPRequestEntityTooLarge:
        return _said(413, f"a request has at most {MAX_ADD_CHECKPOINT_BYTES} bytes")
    except TooManyBytes:
        return _said(503, "too many requests are being read")
    try:
        lines = await request.app[NODE].cosigner.add(raw, network_of(remote))
    except OtherOldSize as other:
        return web.Response(
            status=409, body=b"%d\n" % other.size, headers={"Content-Type": SIZE_TYPE}
        )
    except SubmissionRefused as refused:
        _log.info("not cosigned here", status=refused.status, cause=str(refused))
        return _said(refused.status, str(refused))
    except LogUnavailable as error:
        _log.error("not cosigned here", cause=str(error))
        return _said(503, "the record of this witness cannot be written")
    return web.Response(body=lines, headers={"Content-Type": "text/plain; charset=utf-8"})


def _said(status: int, words: str) -> web.Response:
    headers = {"Retry-After": "5"} if status in (429, 503) else {}
    return web.Response(status=status, text=f"{words}\n", headers=headers)
