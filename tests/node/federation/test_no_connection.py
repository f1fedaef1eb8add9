"""Why a partner could not be reached: words that say where to look, none of a library."""

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from node.federation.client import Client, TransportError
from node.federation.transport import Transport

LOOPBACK = Transport("loopback")


async def told(url: str, client: Client | None = None) -> str:
    asking = client or Client()
    with pytest.raises(TransportError) as failed:
        await asking.exchange(url, LOOPBACK, "GET", (), None, deadline_s=5.0, max_bytes=1000)
    await asking.close()
    words = str(failed.value)
    for foreign in ("ssl:default", "Errno", "Connect call", "_ssl.c", "ClientConnector"):
        assert foreign not in words
    return words


async def listening(context: ssl.SSLContext | None = None) -> asyncio.Server:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.close()

    return await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=context)


def port_of(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


async def test_a_port_where_nothing_listens() -> None:
    server = await listening()
    port = port_of(server)
    server.close()
    await server.wait_closed()
    assert "nothing listens there" in await told(f"http://127.0.0.1:{port}/")


async def test_a_name_that_nobody_knows() -> None:
    assert "name is not known" in await told("https://nowhere.invalid/")


async def test_a_partner_that_hangs_up() -> None:
    async with await listening() as server:
        assert "hung up" in await told(f"http://127.0.0.1:{port_of(server)}/")


async def test_a_listener_without_tls() -> None:
    async with await listening() as server:
        words = await told(f"https://127.0.0.1:{port_of(server)}/")
    assert "127.0.0.1" in words


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_certificate_that_does_not_fit_and_one_that_is_wanted(
    tmp_path: Path, trusted: bool
) -> None:
    authority = trustme.CA()
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    async with await listening(context) as server:
        client = Client(ca_file=ca_file if trusted else None)
        words = await told(f"https://127.0.0.1:{port_of(server)}/", client)
    assert ("partners.client_certificate" if trusted else "certificate is not accepted") in words
