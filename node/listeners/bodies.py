"""Reading request bodies of strangers: each within its size and time, all within one sum.

Without the sum, every connection that the cap permits could hold a body of the largest size in
memory before anything about its sender is known.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

MAX_HELD_BYTES = 128 * 1024 * 1024


class TooManyBytes(Exception):
    """All bodies together would take too much memory; the sender may try again."""


class Bodies:
    """Counts the bytes of bodies that are being read.

    Args:
        body_bytes: largest body.
        body_s: seconds within which a body must have arrived.
        held_bytes: largest sum of all bodies that are not whole yet.
    """

    def __init__(self, body_bytes: int, body_s: float, held_bytes: int = MAX_HELD_BYTES) -> None:
        self._body_bytes = body_bytes
        self._body_s = body_s
        self._held_bytes = held_bytes
        self._held = 0

    async def read(self, request: web.Request) -> bytes:
        """The whole body of a request.

        Raises:
            HTTPRequestEntityTooLarge: it is longer than a body may be; the rest is not read.
            TimeoutError: it did not arrive in time.
            TooManyBytes: other bodies hold the memory.
        """
        body = bytearray()
        try:
            async with asyncio.timeout(self._body_s):
                async for chunk in request.content.iter_any():
                    if len(body) + len(chunk) > self._body_bytes:
                        raise web.HTTPRequestEntityTooLarge(
                            max_size=self._body_bytes, actual_size=len(body) + len(chunk)
                        )
                    if self._held + len(chunk) > self._held_bytes:
                        raise TooManyBytes
                    self._held += len(chunk)
                    body += chunk
        finally:
            self._held -= len(body)
        return bytes(body)
