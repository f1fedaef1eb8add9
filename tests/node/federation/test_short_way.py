"""Past aiohttp a partner is asked under the same rules, and only while it answers plainly."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest
import trustme

from node.federation.client import (
    AnswerTooLarge,
    Client,
    ConnectionBroke,
    DeadlinePassed,
    TransportError,
)
from node.federation.transport import Transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from protocol.accept_answer import RawAnswer

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
HANG = b""
LONG = 16_000_000


class Partner:
    """A server that answers each request, of one connection after the other, by the next bytes."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.requests: list[bytes] = []
        self.writers: list[asyncio.StreamWriter] = []

    @property
    def connections(self) -> int:
        return len(self.writers)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.requests.append(head + await reader.readexactly(2))
                for piece in self.answers.pop(0).split(b"|"):
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
        except (asyncio.IncompleteReadError, ConnectionError, IndexError):
            writer.close()


class Unwilling(Partner):
    """Says its last answer before it has read what was asked, and reads on when it is told to."""

    def __init__(self, *answers: bytes) -> None:
        super().__init__(*answers)
        self.reads_on, self.over, self.came = asyncio.Event(), asyncio.Event(), 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(self.answers.pop(0))
        if not self.answers:
            await self.reads_on.wait()
            with suppress(ConnectionError):
                while self.came < LONG and (data := await reader.read(1 << 20)):
                    self.came += len(data)
            self.over.set()
        with suppress(ConnectionError):
            await reader.read()
        writer.close()


@asynccontextmanager
async def asking(
    partner: Partner, ca_file: Path | None = None, context: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[Client, str]]:
    """A client, and where the partner is."""
    client = Client(ca_file=ca_file)
    scheme = "https" if context else "http"
    async with await asyncio.start_server(partner.talk, "127.0.0.1", 0, ssl=context) as server:
        yield client, f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/a?b"
        await client.close()


async def ask(client: Client, url: str, deadline_s: float = 5.0, most: int = 1000) -> RawAnswer:
    fields = [("Content-Type", "application/json"), ("Signature", "q=:AbC=:")]
    return await client.exchange(
        url, Transport("loopback"), "POST", fields, b"{}", deadline_s=deadline_s, max_bytes=most
    )


async def test_what_is_sent_says_the_same_either_way() -> None:
    partner = Partner(OK, OK.replace(b"ok", b"o|k").replace(b"\r\nC", b"|\r|\nC"), OK)
    async with asking(partner) as (client, url):
        answers = [await ask(client, url) for _ in range(3)]
    assert [(each.status, each.body) for each in answers] == [(200, b"ok")] * 3
    assert partner.connections == 2  # the first was aiohttp's
    spelled = [sorted(request.lower().split(b"\r\n")) for request in partner.requests]
    assert spelled[0] == spelled[1] == spelled[2]


async def test_certificates_are_checked_either_way(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    partner = Partner(OK, OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"))
    async with asking(partner, tmp_path / "ca.pem", context) as (client, url):
        assert [(await ask(client, url)).body for _ in range(2)] == [b"ok", b"ok"]
        trustme.CA().issue_cert("127.0.0.1").configure_cert(context)  # another authority's
        with pytest.raises(TransportError, match="certificate is not accepted"):
            await ask(client, url)
    assert partner.connections == 2


@pytest.mark.parametrize(
    ("second", "error"),
    [
        (CHUNKED, ConnectionBroke),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 9000, ConnectionBroke),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", AnswerTooLarge),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", DeadlinePassed),
        (HANG, DeadlinePassed),
    ],
    ids=["chunked", "long", "oversized", "short", "hanging"],
)  # fmt: skip
async def test_what_goes_wrong_is_named_and_the_next_question_is_asked_anew(
    second: bytes, error: type[TransportError]
) -> None:
    partner = Partner(OK, second, OK)
    async with asking(partner) as (client, url):
        await ask(client, url)
        with pytest.raises(error):
            await ask(client, url, deadline_s=0.2)
        assert (await ask(client, url)).body == b"ok"


async def test_a_connection_that_the_partner_closed_is_not_asked_on() -> None:
    partner = Partner(OK, OK, OK)
    async with asking(partner) as (client, url):
        await ask(client, url)
        await ask(client, url)
        for each in partner.writers:
            each.close()
            await each.wait_closed()
        await asyncio.sleep(0.01)
        assert (await ask(client, url)).body == b"ok"
    assert partner.connections == 3


async def test_bytes_that_nobody_asked_for_are_nobodys_answer() -> None:
    partner = Partner(OK, OK + OK.replace(b"ok", b"no"), OK)
    async with asking(partner) as (client, url):
        assert [(await ask(client, url)).body for _ in range(3)] == [b"ok"] * 3
    assert partner.connections == 3


@pytest.mark.parametrize("answer", [OK, HANG], ids=["answers", "hangs"])
async def test_nothing_waits_for_a_partner_that_does_not_read_what_it_is_asked(
    answer: bytes,
) -> None:
    question, partner = b"x" * LONG, Unwilling(OK, answer)
    async with asking(partner) as (client, url):
        await ask(client, url)
        with suppress(DeadlinePassed):
            await client.exchange(
                url, Transport("loopback"), "POST", [], question, deadline_s=0.1, max_bytes=9
            )
        partner.reads_on.set()
        await partner.over.wait()
    assert partner.came < LONG
