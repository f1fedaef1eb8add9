"""A small proxy that takes CONNECT, for tests: it resolves every name to one local port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class ConnectProxy:
    """What a proxy was asked, and how it answers.

    `leads_to`: the local port behind every name; `status`: what CONNECT is answered.
    """

    leads_to: int
    status: int = 200
    port: int = 0
    asked: list[str] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    passed: bytearray = field(default_factory=bytearray)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            try:
                await self._answer(reader, writer)
            finally:
                writer.close()
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        self.asked.append(head.split(b"\r\n", 1)[0].decode())
        writer.write(f"HTTP/1.1 {self.status} It Is So\r\n\r\n".encode())
        await writer.drain()
        if self.status == 200:
            await self._tunnel(reader, writer)

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.leads_to)

        async def pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError):
                while block := await source.read(65536):
                    self.passed += block
                    sink.write(block)
                    await sink.drain()
            sink.close()
            await sink.wait_closed()

        await asyncio.gather(pour(reader, far_writer), pour(far_reader, writer))


@asynccontextmanager
async def connect_proxy(leads_to: int, status: int = 200) -> AsyncIterator[ConnectProxy]:
    """A proxy on loopback until left."""
    proxy = ConnectProxy(leads_to, status)
    tasks: list[asyncio.Task[None]] = []

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.create_task(proxy.handle(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await asyncio.gather(*tasks)
