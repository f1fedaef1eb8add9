"""One HTTP exchange written by hand, for requests that a client library would not send."""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Raw:
    """What came back; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


async def exchange(
    port: int,
    first_line: str,
    *fields: str,
    body: bytes = b"",
    host: str | None = "127.0.0.1",
    announce: bool = True,
    tls: ssl.SSLContext | None = None,
) -> Raw:
    """Send one request and read until the server closes.

    `announce` adds Content-Length; `host` of None leaves the Host field out.
    """
    name = "127.0.0.1" if tls else None
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name)
    lines = [first_line, *fields, "Connection: close"]
    if host is not None:
        lines.append(f"Host: {host}")
    if body and announce:
        lines.append(f"Content-Length: {len(body)}")
    writer.write("\r\n".join([*lines, "", ""]).encode())
    try:
        writer.write(body)
        await writer.drain()
        received = await reader.read()
    finally:
        writer.close()
    if not received:
        raise ConnectionError("closed without an answer")
    head, _, rest = received.partition(b"\r\n\r\n")
    status, *named = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in named)
    return Raw(int(status.split()[1]), headers, rest)
