"""Partners that are not well: one that is reached late, one that never says anything.

The rule of this file: bytes pass unchanged; only their time does not.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HOST = "127.0.0.1"
PIECE_BYTES = 1 << 16


@asynccontextmanager
async def relayed(port: int, to: int, late_s: float) -> AsyncIterator[None]:
    """Pass what comes at `port` on, and every piece of what comes back so much later."""

    async def pass_on(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, after_s: float
    ) -> None:
        with suppress(OSError):
            while piece := await reader.read(PIECE_BYTES):
                await asyncio.sleep(after_s)
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(HOST, to)
        await asyncio.gather(
            pass_on(reader, inner_writer, 0.0), pass_on(inner_reader, writer, late_s)
        )

    server = await asyncio.start_server(connected, HOST, port)
    try:
        yield
    finally:
        server.close()


@asynccontextmanager
async def silent_server(port: int) -> AsyncIterator[None]:
    """Take connections at `port` and answer nothing."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while await reader.read(PIECE_BYTES):
                pass
        writer.close()

    server = await asyncio.start_server(connected, HOST, port)
    try:
        yield
    finally:
        server.close()
