"""Ports for nodes whose address must be known before they listen.

Rule of this file: a port that was given out stays taken. A port that is only looked at may be had
by another run of the tests on the same machine, or by the next question here, before anybody
listens on it.
"""

from __future__ import annotations

import atexit
import itertools
import os
import socket
from collections import deque
from contextlib import suppress

_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 16
_PORTS = (16_000 + 1_000 * _WORKER + n % 1_000 for n in itertools.count(os.getpid()))
_KEPT = 64
_taken: deque[socket.socket] = deque()


def free_port() -> int:
    """A port that is this process's until 64 more were given out, listened on or not.

    It lies below those that the system gives to connections, and each worker has a thousand.
    The socket that keeps it is bound without the option to share, so that no other call finds it
    free, and gets the option then: a listener that has it too, as all of asyncio do, may bind and
    listen, as often as it likes (Linux, socket(7): as long as the other does not listen).
    """
    for port in _PORTS:
        with suppress(OSError):
            _taken.append(_bound(port))
            if len(_taken) > _KEPT:
                _taken.popleft().close()
            return port
    raise AssertionError("unreachable: the ports have no end")


def _bound(port: int) -> socket.socket:
    taken = socket.socket()
    try:
        taken.bind(("127.0.0.1", port))
    except OSError:
        taken.close()
        raise
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return taken


@atexit.register
def _give_back() -> None:
    for taken in _taken:
        taken.close()
