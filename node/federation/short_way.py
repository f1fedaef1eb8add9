"""Asking past aiohttp those partners whose answers have come in one plain spelling (ADR 0070).

The rule of this file: a partner is asked by aiohttp first, and this way only while its last answer
was plain. One that comes in another spelling is lost with its connection, which is no more than a
connection that broke; from then on aiohttp asks again. Connections are made by connectors of
aiohttp, under the same address policy and certificates as its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp

from node.federation.kept_connections import BeyondCap, KeptConnections, NotPlain
from node.federation.plain_answer import read_head, write_request
from node.federation.transport_errors import AnswerTooLarge, ConnectionBroke

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aiohttp.connector import Connection
    from yarl import URL

    from node.federation.transport import Transport
    from protocol.accept_answer import RawAnswer


class ShortWay:
    """One per client, on its event loop."""

    def __init__(
        self, connector: Callable[[Transport, bool], aiohttp.TCPConnector], most: int
    ) -> None:
        """`connector` makes one for a transport, with TLS or without; `most`: see KeptConnections.

        What it makes must set no limit of its own: kept connections would use it up for good.
        """
        self._connector = connector
        self._plain: set[tuple[URL, Transport]] = set()
        self._kept = KeptConnections(most)
        self._connectors: dict[tuple[Transport, bool], aiohttp.TCPConnector] = {}

    async def close(self) -> None:
        """Close every connection."""
        self._kept.close()
        for connector in self._connectors.values():
            await connector.close()
        self._connectors.clear()

    def learn(
        self,
        origin: URL,
        transport: Transport,
        version: aiohttp.HttpVersion | None,
        said: RawAnswer,
    ) -> None:
        """Note whether an answer that aiohttp read is one that is read here, too."""
        fields = b"".join(b"\r\n%b: %b" % field for field in said.headers)
        head = read_head(b"HTTP/1.1 %d " % said.status + fields + b"\r\n\r\n")
        plain = head is not None and head.keeps and head.length == len(said.body)
        if plain and version == aiohttp.HttpVersion11:
            self._plain.add((origin, transport))

    def request(
        self,
        target: URL,
        transport: Transport,
        method: str,
        headers: Sequence[tuple[str, str]],
        body: bytes | None,
    ) -> bytes | None:
        """Return a request to be sent by `exchange`; None where aiohttp is to ask."""
        place = (target.origin(), transport)
        if place not in self._plain or self._kept.is_full(place):
            return None
        host = target.host_port_subcomponent or ""
        return write_request(method, target.raw_path_qs, host, headers, body)

    async def exchange(
        self, origin: URL, transport: Transport, request: bytes, max_bytes: int
    ) -> RawAnswer:
        """Send what `request` returned, and return the answer.

        Raises AnswerTooLarge, ConnectionBroke, and aiohttp.ClientError or OSError as aiohttp does.
        """

        async def connect() -> Connection:
            key = (transport, origin.scheme == "https")
            connector = self._connectors.get(key)
            if connector is None:
                connector = self._connectors[key] = self._connector(*key)
            wanted = aiohttp.ClientRequest("GET", origin)  # says where to; it is never sent
            return await connector.connect(wanted, [], aiohttp.ClientTimeout(total=None))

        place = (origin, transport)
        try:
            return await self._kept.exchange(place, connect, request, max_bytes)
        except BeyondCap:
            raise AnswerTooLarge(f"{origin.host} sent more than {max_bytes} bytes") from None
        except NotPlain:
            self._plain.discard(place)
            words = f"{origin.host} answered in another spelling than before; it is asked anew"
            raise ConnectionBroke(words) from None
