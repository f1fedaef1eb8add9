"""Partners behind a proxy: reached by CONNECT, judged before, and nothing else goes there."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from node.federation.client import (
    AddressNotAllowed,
    Client,
    ProxyFailed,
    TlsFailed,
    Unreachable,
)
from node.federation.no_proxy import Exempt, exempt
from node.federation.proxy import Proxy
from node.federation.transport import Transport
from node.operations.errors import InvalidRequest
from protocol.accept_answer import RawAnswer
from tests.node.federation.connect_proxy import connect_proxy

NAME = "partner.example"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@asynccontextmanager
async def partner(authority: trustme.CA, name: str = NAME) -> AsyncIterator[int]:
    """A TLS server that says what it was sent; gives its port."""

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=request.host.encode() + b"|" + await request.read())

    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def send(url: str, environ: dict[str, str], **fields: Any) -> RawAnswer:
    ca_file = fields.pop("ca_file", None)
    client = Client(ca_file=ca_file, proxy=Proxy.from_environment(environ))
    given: dict[str, Any] = {
        "transport": Transport(),
        "method": "POST",
        "headers": [("Content-Type", "application/json")],
        "body": b"the question",
        "deadline_s": 10.0,
        "max_bytes": 1 << 20,
        **fields,
    }
    try:
        return await client.exchange(url, **given)
    finally:
        await client.close()


async def test_a_partner_is_reached_by_a_name_that_only_the_proxy_knows(
    authority: trustme.CA, ca_file: Path
) -> None:
    async with partner(authority) as port, connect_proxy(port) as proxy:
        environ = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"}
        answer = await send(f"https://{NAME}/x", environ, ca_file=ca_file)
    assert answer.body == b"partner.example|the question"
    assert proxy.asked == [f"CONNECT {NAME}:443 HTTP/1.1"]
    assert b"question" not in proxy.passed, "TLS goes through it"


async def test_the_partner_and_not_the_proxy_must_show_the_certificate(
    authority: trustme.CA, ca_file: Path
) -> None:
    async with partner(authority, "other.example") as port, connect_proxy(port) as proxy:
        environ = {"https_proxy": f"127.0.0.1:{proxy.port}"}
        with pytest.raises(TlsFailed, match="certificate"):
            await send(f"https://{NAME}/", environ, ca_file=ca_file)


async def test_the_proxys_password_goes_to_the_proxy_alone(
    authority: trustme.CA, ca_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with partner(authority) as port, connect_proxy(port, status=407) as proxy:
        environ = {"HTTPS_PROXY": f"http://anna:hunt%40r%C3%B62@127.0.0.1:{proxy.port}"}
        with pytest.raises(ProxyFailed, match="status 407") as refused:
            await send(f"https://{NAME}/", environ, ca_file=ca_file)
    (head,) = proxy.heads
    assert b"Proxy-Authorization: Basic YW5uYTpodW50QHLDtjI=" in head
    assert b"question" not in head
    chosen = Proxy.from_environment(environ)
    for text in (str(refused.value), refused.value.fix, repr(chosen), caplog.text):
        assert "hunt" not in text
        assert "anna" not in text


@pytest.mark.parametrize(
    ("url", "transport"),
    [
        ("https://10.0.0.1/", Transport()),
        ("https://127.0.0.1/", Transport()),
        ("https://[::1]/", Transport(allow_private=True)),
        ("https://[::ffff:10.0.0.1]/", Transport()),
        ("https://169.254.169.254/", Transport(allow_private=True)),
        ("https://localhost/", Transport()),
        ("https://x.localhost./", Transport()),
        ("https://127.1/", Transport()),
        ("https://2130706433/", Transport()),
        ("https://0x7f.1/", Transport()),
        ("https://127.0.0.1./", Transport()),
    ],
)
async def test_an_address_that_was_not_allowed_is_not_asked_for(
    url: str, transport: Transport
) -> None:
    async with connect_proxy(9) as proxy:
        environ = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"}
        with pytest.raises(AddressNotAllowed):
            await send(url, environ, transport=transport)
        assert proxy.asked == []


async def test_a_private_address_that_was_allowed_goes_through_the_proxy(
    authority: trustme.CA, ca_file: Path
) -> None:
    async with partner(authority, "10.0.0.1") as port, connect_proxy(port) as proxy:
        environ = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"}
        transport = Transport(allow_private=True)
        answer = await send("https://10.0.0.1/", environ, ca_file=ca_file, transport=transport)
    assert answer.status == 200


async def test_loopback_and_plaintext_partners_never_go_through_it(
    authority: trustme.CA, ca_file: Path
) -> None:
    async with partner(authority, "127.0.0.1") as port, connect_proxy(port, status=500) as proxy:
        environ = {
            "HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}",
            "HTTP_PROXY": f"http://127.0.0.1:{proxy.port}",
        }
        near = Transport("loopback")
        url = f"https://127.0.0.1:{port}/"
        assert (await send(url, environ, ca_file=ca_file, transport=near)).status == 200
        plain = Transport(allow_plaintext=True)
        with pytest.raises(Unreachable):  # dialled itself: the name is nobody's
            await send("http://nobody.invalid/", environ, transport=plain)
        assert proxy.asked == []


async def test_a_host_in_no_proxy_is_dialled() -> None:
    async with connect_proxy(9) as proxy:
        environ = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}", "NO_PROXY": "invalid"}
        with pytest.raises(Unreachable):
            await send("https://nobody.invalid/", environ)
        assert proxy.asked == []


@pytest.mark.parametrize("status", [403, 502])
async def test_what_the_proxy_refuses_is_told_from_what_the_partner_does(status: int) -> None:
    async with connect_proxy(9, status) as proxy:
        environ = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"}
        with pytest.raises(ProxyFailed, match=f"status {status}"):
            await send(f"https://{NAME}/", environ)


async def test_a_proxy_that_is_not_there_is_told_from_the_partner() -> None:
    async with connect_proxy(9) as proxy:
        pass
    with pytest.raises(ProxyFailed, match="the proxy cannot be reached") as failed:
        await send(f"https://{NAME}/", {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"})
    assert "HTTPS_PROXY" in failed.value.fix


@pytest.mark.parametrize(
    "value",
    [
        "https://secret@proxy:1",
        "socks5://secret:1",
        "http://",
        "http://secret:99999",
    ],
)
def test_a_proxy_of_another_kind_is_refused_without_repeating_it(value: str) -> None:
    with pytest.raises(InvalidRequest, match="HTTPS_PROXY") as refused:
        Proxy.from_environment({"HTTPS_PROXY": value})
    assert "secret" not in f"{refused.value} {refused.value.fix}"


@pytest.mark.parametrize("environ", [{}, {"HTTPS_PROXY": ""}, {"HTTP_PROXY": "http://p:1"}])
def test_without_the_variable_there_is_no_proxy(environ: dict[str, str]) -> None:
    assert Proxy.from_environment(environ) is None


@pytest.mark.parametrize(
    ("entry", "covered", "not_covered"),
    [
        ("*", ["a.example:443", "10.0.0.1:443"], []),
        ("example", ["example:443", "a.example:9"], ["badexample:443"]),
        (".lab.example", ["lab.example:443", "a.lab.example:443"], ["x-lab.example:443"]),
        ("*.lab.example", ["a.lab.example:443"], ["a.example:443"]),
        ("lab.example:8443", ["lab.example:8443", "a.lab.example:8443"], ["lab.example:443"]),
        ("10.0.0.0/8", ["10.1.2.3:443"], ["11.0.0.1:443", "10.example:443"]),
        ("10.0.0.1", ["10.0.0.1:443"], ["10.0.0.2:443"]),
        ("10.0.0.1:9", ["10.0.0.1:9"], ["10.0.0.1:443"]),
        ("fd00::/8", ["fd00::7:443"], ["fe00::7:443"]),
        ("[fd00::7]:9", ["fd00::7:9"], ["fd00::7:443"]),
        (" LAB.example. ", ["lab.example:443"], []),
        (".", [], ["lab.example:443", "localhost:443"]),
    ],
)
def test_what_an_entry_of_no_proxy_covers(
    entry: str, covered: list[str], not_covered: list[str]
) -> None:
    def covers(place: str) -> bool:
        host, _, port = place.rpartition(":")
        return Exempt.parse(entry).covers(host, int(port))

    assert all(covers(place) for place in covered)
    assert not any(covers(place) for place in not_covered)


@given(st.text(max_size=40), st.text(max_size=20), st.integers(0, 65535))
def test_no_value_of_no_proxy_is_an_error(value: str, host: str, port: int) -> None:
    for entry in exempt(value):
        assert isinstance(entry.covers(host, port), bool)
