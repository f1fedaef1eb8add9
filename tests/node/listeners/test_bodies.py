"""Nobody's bodies take the memory of all: shares by address and by partner, over real sockets."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from node.listeners.bodies import Bodies, TooManyBytes, _Account, network_of
from node.listeners.connections import Connections
from node.listeners.listening import listening
from tests.node.listeners.test_connections import Where

BODY = 1000
POOL = 8 * BODY  # an address: one body; all strangers: four; a partner: two


class Pool:
    """A listener that reads bodies; the field X-Partner stands for a signature."""

    def __init__(self, port: int, bodies: Bodies) -> None:
        self.port = port
        self.bodies = bodies

    async def holds(self, size: int) -> None:
        """Wait until so many bytes have been read and are held."""
        books = (self.bodies._by_address, self.bodies._by_partner)
        async with asyncio.timeout(30):
            while sum(book.total() for book in books) != size:  # noqa: ASYNC110 - no event to wait for
                await asyncio.sleep(0.01)

    async def begin(self, source: str, partner: str = "", size: int = BODY) -> Begun:
        """Send all of a body but its last byte."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, local_addr=(source, 0)
        )
        head = (
            f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\nX-Partner: {partner}\r\n\r\n"
        )
        writer.write(head.encode() + b"x" * (size - 1))
        await writer.drain()
        return Begun(reader, writer)


class Begun:
    """A request under way."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def end(self) -> int:
        """Send the last byte; the answer's status."""
        self.writer.write(b"x")
        return await self.status()

    async def status(self) -> int:
        line = await self.reader.readline()
        self.writer.close()
        return int(line.split()[1])


@asynccontextmanager
async def listening_pool(*, gives_way: bool = False) -> AsyncIterator[Pool]:
    bodies, connections = Bodies(BODY, 30.0, POOL, gives_way=gives_way), Connections(100)

    async def handle(request: web.Request) -> web.Response:
        try:
            body = await bodies.read(request, lambda: request.headers["X-Partner"] or None)
        except TooManyBytes:
            return web.Response(status=503)
        return web.Response(text=str(len(body)))

    app = web.Application(middlewares=[connections.middleware()])
    app.router.add_post("/", handle)
    async with listening("test", app, connections, Where(), 1) as where:
        yield Pool(where.port, bodies)


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    async with listening_pool() as made:
        yield made


async def held(pool: Pool, *sources: str, partner: str = "") -> list[Begun]:
    """Bodies under way, read as far as they came."""
    books = (pool.bodies._by_address, pool.bodies._by_partner)
    before = sum(book.total() for book in books)
    begun = [await pool.begin(source, partner) for source in sources]
    await pool.holds(before + len(sources) * (BODY - 1))
    return begun


async def test_an_address_that_holds_its_share_gets_no_more_and_others_do(pool: Pool) -> None:
    (first,) = await held(pool, "127.0.0.2")
    assert await (await pool.begin("127.0.0.2")).status() == 503
    assert await (await pool.begin("127.0.0.3")).end() == 200
    assert await first.end() == 200
    assert await (await pool.begin("127.0.0.2")).end() == 200


async def test_strangers_of_many_addresses_leave_half_to_partners(pool: Pool) -> None:
    strangers = await held(pool, *(f"127.0.0.{n}" for n in range(2, 6)))
    assert await (await pool.begin("127.0.0.6")).status() == 503
    assert await (await pool.begin("127.0.0.6", "lab.example")).end() == 200
    assert [await one.end() for one in strangers] == [200] * 4


async def test_a_partner_is_read_from_an_address_that_a_stranger_has_used_up(pool: Pool) -> None:
    (stranger,) = await held(pool, "127.0.0.2")
    assert await (await pool.begin("127.0.0.2", "lab.example")).end() == 200
    assert await stranger.end() == 200


async def test_a_partner_has_its_share_and_leaves_the_rest_to_others(pool: Pool) -> None:
    (stranger,) = await held(pool, "127.0.0.2")
    greedy = await held(pool, *["127.0.0.2"] * 2, partner="bank.example")
    assert await (await pool.begin("127.0.0.2", "bank.example")).status() == 503
    assert await (await pool.begin("127.0.0.2", "lab.example")).end() == 200
    assert [await one.end() for one in (stranger, *greedy)] == [200] * 3


async def test_whoever_holds_most_gives_way_to_what_is_small_and_comes_at_once() -> None:
    async with listening_pool(gives_way=True) as pool:
        slow = await held(pool, *(f"127.0.0.{n}" for n in range(2, 6)))  # all strangers' share
        for _ in range(3):
            assert await (await pool.begin("127.0.0.6", size=BODY // 4)).end() == 200
        ended = [await slow[0].status()]
        assert ended == [503]
        assert [await one.end() for one in slow[1:]] == [200] * 3
        assert not pool.bodies._by_address


async def test_a_body_whose_time_is_up_at_this_moment_gives_way_too() -> None:
    loop, account = asyncio.get_running_loop(), _Account(Counter(), "127.0.0.2")
    given: list[bool] = []

    def give_way() -> None:
        account.give_way()
        given.append(account.gave_way)

    async def read() -> None:
        async with asyncio.timeout(30) as account.limit:
            account.limit.reschedule(loop.time())  # expires before the reader runs again
            loop.call_soon(give_way)
            await asyncio.sleep(30)

    with pytest.raises(TimeoutError):
        await read()
    assert given == [True]


async def test_nobody_gives_way_to_an_address_that_would_hold_as_much() -> None:
    async with listening_pool(gives_way=True) as pool:
        slow = await held(pool, *(f"127.0.0.{n}" for n in range(2, 6)))
        assert await (await pool.begin("127.0.0.6", size=BODY)).status() == 503
        assert [await one.end() for one in slow] == [200] * 4


async def test_what_is_given_up_is_counted_out(pool: Pool) -> None:
    begun = await held(pool, "127.0.0.2", "127.0.0.3")
    begun += await held(pool, "127.0.0.2", partner="lab.example")
    assert (len(pool.bodies._by_address), len(pool.bodies._by_partner)) == (2, 1)
    for one in begun:
        one.writer.transport.abort()
    await pool.holds(0)
    assert not pool.bodies._by_address
    assert not pool.bodies._by_partner


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_what_counts_as_one_sender(address: str, network: str) -> None:
    assert network_of(address) == network
