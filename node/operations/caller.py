"""On whose behalf an operation runs; the log's leaves and actor commitments name it.

Whoever owns the data directory (command line, admin socket) is `operator`; over the local API it is
the token's name. It is not part of any request, so that no request can claim it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

OPERATOR = "operator"

_caller: ContextVar[str] = ContextVar("caller", default=OPERATOR)


def caller() -> str:
    """Who asked for the operation that runs now."""
    return _caller.get()


@contextmanager
def acting_as(name: str) -> Iterator[None]:
    """Run operations on behalf of a token's holder."""
    before = _caller.set(name)
    try:
        yield
    finally:
        _caller.reset(before)
