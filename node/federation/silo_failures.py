"""What becomes of a silo that did not answer: exactly one state, and what the asker can do.

The rule of this file: whatever goes wrong with one partner is its line of status. What was not
foreseen is logged and called failed; it never ends the question to the others.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

import structlog

from node.audit.errors import LogUnavailable
from node.federation.ask import SiloState
from node.federation.client import DeadlinePassed, TransportError
from node.federation.errors import BeyondCard, CardUnavailable, PeerNotActive
from node.federation.partner_offers import OffersRefused
from node.federation.readings import told
from node.federation.routing import NoRoute
from node.federation.unverifiable import Unverifiable

T = TypeVar("T")

_log = structlog.get_logger(__name__)


async def within(work: Awaitable[T], seconds: float) -> T:
    """Wait for `work` at most so long. Raises DeadlinePassed."""
    try:
        async with asyncio.timeout(max(seconds, 0.001)):
            return await work
    except TimeoutError:
        raise DeadlinePassed(f"the deadline passed after {seconds:.1f} s") from None


def failure(error: Exception) -> tuple[SiloState, dict[str, Any]]:
    """Return the state that an exception means for a silo, and the fields of its status."""
    match error:
        case TransportError():
            return error.kind, {"detail": str(error)}
        case Unverifiable():
            return "unverifiable", {"code": error.reason, "detail": error.words}
        case OffersRefused():
            problem = error.problem
            return "denied", told(problem)
        case CardUnavailable():
            return "no-card", {"detail": str(error)}
        case PeerNotActive():
            return "not-active", {"detail": str(error)}
        case NoRoute():
            return "no-route", {"detail": str(error), "fix": error.fix or None}
        case BeyondCard():
            return "failed", {"code": error.code, "detail": str(error)}
        case LogUnavailable():
            return "failed", {"code": error.code, "detail": str(error)}
    _log.error("asking failed", exc_info=error)
    return "failed", {"detail": type(error).__name__}
