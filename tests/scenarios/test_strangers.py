"""Strangers who do what they can to a public listener do not come between partners."""

import asyncio

from protocol.limits import MAX_QUERY_BYTES
from tests.scenarios.conftest import Pair

HEAD = (
    "POST /federation/v1/query HTTP/1.1\r\nHost: clinic.example\r\n"
    f"Content-Length: {MAX_QUERY_BYTES}\r\n\r\n"
).encode()


async def test_a_partner_is_heard_while_a_stranger_holds_all_that_its_address_may(
    paired: Pair,
) -> None:
    port = paired.clinic.node.settings.federation.port
    held = []
    try:
        for _ in range(5):  # four whole bodies are an address's share
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            held.append(writer)
            writer.write(HEAD + bytes(MAX_QUERY_BYTES - 1))
            await writer.drain()
        assert b" 503 " in await reader.readline(), "the stranger has used up its share"
        assert (await paired.lab.ask_one()).state == "ok"
    finally:
        for writer in held:
            writer.transport.abort()
