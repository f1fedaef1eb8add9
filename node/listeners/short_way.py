"""Signed requests that come whole are answered without aiohttp's machinery around them.

The rule of this file: the short way is taken from a connection's first byte on, for as long as
every piece that comes is one whole request in the one plain spelling (`whole_request.py`); the
first piece that is anything else hands the connection to aiohttp for good, with that piece. So the
general parser decides whatever is not plain, and no request is read by both. What answers, what
counts and what the connection's deadlines are is the same on both ways.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import structlog

from node.federation.replies import RawResponse
from node.listeners.middleware import PROBLEM
from node.listeners.whole_request import read_whole, write_answer
from node.operations.errors import translate

if TYPE_CHECKING:
    from prometheus_client import Counter, Histogram

    from node.clock import Clock
    from node.listeners.bodies import Bodies
    from node.metrics import Metrics
    from protocol.accept_query import RawRequest

_log = structlog.get_logger("http")

Answer = Callable[["RawRequest", str], Awaitable[RawResponse]]
"""(request, remote address) -> its answer; raises nothing but cancellation."""


class ShortWay:
    """What all connections of a listener share on the short way.

    Args:
        answer: the responder.
        bodies: says whether there is room for a body.
        clock: dates the answers.
        metrics: counts them.
        listener: the listener's name in the metrics.
    """

    def __init__(
        self, answer: Answer, bodies: Bodies, clock: Clock, metrics: Metrics, listener: str
    ) -> None:
        self._answer = answer
        self._bodies = bodies
        self._clock = clock
        self._metrics = metrics
        self._listener = listener
        self._counted: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def read(self, data: bytes, remote: str) -> RawRequest | None:
        """Return the request that a piece is; None where it must take the general way."""
        request = read_whole(data)
        if request is None or not self._bodies.has_room(remote, len(request.body)):
            return None
        return request

    async def answer(self, request: RawRequest, remote: str) -> bytes:
        """Return the answer's bytes, counted."""
        started = time.perf_counter()
        try:
            answer = await self._answer(request, remote)
        except Exception as error:
            failure = translate(error)
            _log.exception("unexpected failure", listener=self._listener)
            problem = failure.problem()
            body = problem.model_dump_json().encode()
            answer = RawResponse(problem.status, (("Content-Type", PROBLEM),), body)
        requests, seconds = self._counting(request.path, answer.status)
        requests.inc()
        seconds.observe(time.perf_counter() - started)
        return write_answer(answer, self._clock())

    def _counting(self, path: str, status: int) -> tuple[Counter, Histogram]:
        found = self._counted.get((path, status))
        if found is None:
            requests = self._metrics.requests.labels(self._listener, path, str(status))
            seconds = self._metrics.seconds.labels(self._listener, path)
            found = self._counted[path, status] = requests, seconds
        return found
