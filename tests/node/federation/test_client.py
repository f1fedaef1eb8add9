"""The client: one exchange, bounded in time and size, and nowhere but where it may go."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from node.federation.client import (
    AddressNotAllowed,
    AnswerTooLarge,
    Client,
    ClientIdentity,
    ClientKeySealed,
    ConnectionBroke,
    DeadlinePassed,
    TransportError,
    Unreachable,
    reach_of_url,
)
from node.federation.transport import Transport
from protocol.accept_answer import RawAnswer

LOOPBACK = Transport("loopback")
Handler = Callable[[web.Request], Coroutine[Any, Any, web.StreamResponse]]


@asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[str]:
    """A server for one handler; gives its URL."""
    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", handler)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    made = Client()
    yield made
    await made.close()


async def send(client: Client, url: str, **fields: Any) -> RawAnswer:
    given: dict[str, Any] = {
        "transport": LOOPBACK,
        "method": "POST",
        "headers": [("Content-Type", "application/json")],
        "body": b"{}",
        "deadline_s": 10.0,
        "max_bytes": 1 << 20,
        **fields,
    }
    return await client.exchange(url, **given)


async def test_what_is_sent_is_what_was_given_and_nothing_else(client: Client) -> None:
    seen: list[web.Request] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request)
        return web.Response(status=418, body=await request.read(), headers={"X-Two": "2"})

    async with server(handler) as url:
        answer = await send(client, url + "/a?b", body=b"exact bytes")
    assert (answer.status, answer.body) == (418, b"exact bytes")
    assert (b"X-Two", b"2") in tuple(answer.headers)
    (request,) = seen
    assert request.raw_path == "/a?b"
    names = {name.decode().lower() for name, _ in request.raw_headers}
    assert names == {"host", "content-type", "content-length"}


async def test_a_redirect_is_an_answer_and_not_followed(client: Client) -> None:
    asked = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    async with server(handler) as url:
        assert (await send(client, url + "/here")).status == 302
    assert asked == ["/here"]


async def test_cookies_are_not_kept(client: Client) -> None:
    cookies = []

    async def handler(request: web.Request) -> web.Response:
        cookies.append(request.headers.get("Cookie"))
        return web.Response(headers={"Set-Cookie": "a=b"})

    async with server(handler) as url:
        await send(client, url + "/")
        await send(client, url + "/")
    assert cookies == [None, None]


async def test_a_compressed_answer_is_left_as_it_came(client: Client) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=b"not gzip at all", headers={"Content-Encoding": "gzip"})

    async with server(handler) as url:
        assert (await send(client, url + "/")).body == b"not gzip at all"


async def test_an_answer_beyond_the_cap_is_cut_off_while_it_is_read(client: Client) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" " * 65536)

    async with server(handler) as url:
        with pytest.raises(AnswerTooLarge):
            await send(client, url + "/", max_bytes=1 << 20)


async def test_the_deadline_covers_a_body_that_never_ends(client: Client) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"{")
        await asyncio.Event().wait()
        return response

    async with server(handler) as url:
        with pytest.raises(DeadlinePassed):
            await send(client, url + "/", deadline_s=0.2)


async def test_a_connection_that_breaks_is_told_from_one_that_never_was(client: Client) -> None:
    async def handler(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async with server(handler) as url:
        with pytest.raises(ConnectionBroke):
            await send(client, url + "/")
    with pytest.raises(Unreachable) as caught:
        await send(client, url + "/")
    assert not isinstance(caught.value, ConnectionBroke)


@pytest.mark.parametrize(
    ("url", "transport"),
    [
        ("http://127.0.0.1:9/", Transport("public")),
        ("https://127.0.0.1:9/", Transport("public", allow_private=True)),
        ("https://[::ffff:127.0.0.1]:9/", Transport("public")),
        ("https://10.0.0.1:9/", Transport("public")),
        ("https://10.0.0.1:9/", Transport("loopback", allow_private=True)),
        ("https://169.254.169.254/", Transport("public", allow_private=True)),
        ("http://192.0.2.1:9/", Transport("public")),
        ("ftp://127.0.0.1/", LOOPBACK),
        ("file:///etc/passwd", LOOPBACK),
    ],
)
async def test_an_address_that_was_not_allowed_is_never_connected_to(
    client: Client, url: str, transport: Transport
) -> None:
    with pytest.raises(AddressNotAllowed):
        await send(client, url, transport=transport)


@pytest.mark.parametrize("url", ["https://", "https://a b/", "https://exa\x00mple/", "nonsense"])
async def test_whatever_goes_wrong_is_one_kind_of_error(client: Client, url: str) -> None:
    with pytest.raises(TransportError):
        await send(client, url, deadline_s=2.0)


async def test_a_sealed_client_key_is_named_and_nobody_is_asked_for_its_password(
    tmp_path: Path,
) -> None:
    issued = trustme.CA().issue_cert("clinic.example")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    issued.cert_chain_pems[0].write_to_path(str(certificate))
    plain = load_pem_private_key(issued.private_key_pem.bytes(), None)
    sealed = BestAvailableEncryption(b"hunter2")
    key.write_bytes(plain.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed))
    client = Client(ClientIdentity(certificate, key))
    with pytest.raises(ClientKeySealed) as refused:
        await send(client, "https://127.0.0.1:9/")
    await client.close()
    assert "partners.client_key" in refused.value.fix


@pytest.mark.parametrize(
    ("url", "reach"),
    [
        ("http://127.0.0.1:8440", "loopback"),
        ("http://127.8.9.10", "loopback"),
        ("https://[::1]:8440", "loopback"),
        ("http://localhost:8440", "loopback"),
        ("https://localhost.example", "public"),
        ("https://clinic.example", "public"),
        ("https://10.0.0.1", "public"),
    ],
)
def test_only_a_literal_loopback_address_claims_loopback(url: str, reach: str) -> None:
    assert reach_of_url(url) == reach
