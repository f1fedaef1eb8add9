"""A partner follows a node's log by its checkpoint and tiles, as C2SP tlog-tiles serves them."""

import asyncio
import secrets
from dataclasses import dataclass

import aiohttp

from node.audit.entry import Entry
from protocol.checkpoint import Checkpoint, open_checkpoint
from protocol.leaf import AdminActed
from protocol.merkle import Frontier
from protocol.profile import CHECKPOINT, LOG_PREFIX, Endpoint, endpoint_of
from protocol.root import authority_of
from protocol.sign import SignedRequest, sign_request
from protocol.tiles import Tile
from tests.scenarios.conftest import Pair


@dataclass(frozen=True)
class Fetched:
    status: int
    headers: dict[str, str]
    body: bytes


def signed(paired: Pair, endpoint: Endpoint) -> SignedRequest:
    """A request of the lab to the clinic."""
    return sign_request(
        endpoint,
        authority_of(paired.clinic.url),
        paired.lab.name,
        paired.clinic.name,
        b"",
        paired.lab.node.identity.signer("sign"),
        paired.lab.clock(),
        secrets.token_bytes(16),
    )


async def get(paired: Pair, request: SignedRequest, path: str | None = None) -> Fetched:
    async with (
        aiohttp.ClientSession() as session,
        session.get(paired.clinic.url + (path or request.path), headers=request.headers) as answer,
    ):
        return Fetched(answer.status, dict(answer.headers), await answer.read())


async def checkpoint(paired: Pair) -> Checkpoint:
    fetched = await get(paired, signed(paired, CHECKPOINT))
    assert fetched.status == 200
    assert fetched.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "no-cache" in fetched.headers["Cache-Control"]
    key = paired.clinic.node.log.verifier_key
    return open_checkpoint(fetched.body, key.name, key)


async def tile(paired: Pair, wanted: Tile) -> bytes:
    fetched = await get(paired, signed(paired, endpoint_of(wanted)))
    assert fetched.status == 200
    assert fetched.headers["Content-Type"] == "application/octet-stream"
    assert fetched.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert len(fetched.body) == 32 * wanted.width
    return fetched.body


async def grow(paired: Pair, leaves: int) -> None:
    clinic = paired.clinic
    entries = [Entry(AdminActed(at=clinic.clock(), operation="test")) for _ in range(leaves)]
    await asyncio.gather(*map(clinic.node.log.append, entries))


async def test_a_partner_derives_the_signed_root_from_tiles(paired: Pair) -> None:
    await grow(paired, 300)
    head = await checkpoint(paired)
    rest = head.size - 256
    assert 0 < rest < 256
    first, last = await tile(paired, Tile(0, 0)), await tile(paired, Tile(0, 1, rest))
    hashes = first + last
    tree = Frontier()
    for at in range(0, len(hashes), 32):
        tree.append(hashes[at : at + 32])
    assert tree.root() == head.root
    assert await checkpoint(paired) == head  # reading has not made it grow

    of_first = Frontier()
    for at in range(0, len(first), 32):
        of_first.append(first[at : at + 32])
    assert await tile(paired, Tile(1, 0, 1)) == of_first.root()
    assert await tile(paired, Tile(0, 1, rest - 1)) == last[:-32]  # it stays when the tree grows


async def test_nobody_gets_more_of_the_log_than_its_tree(paired: Pair) -> None:
    size = (await checkpoint(paired)).size
    beyond = await get(paired, signed(paired, endpoint_of(Tile(0, 0, size + 1))))
    assert (beyond.status, b'"no-such-tile"' in beyond.body) == (404, True)
    assert "Signature" in beyond.headers

    there = signed(paired, endpoint_of(Tile(0, 0, 1)))
    assert (await get(paired, there)).status == 200
    again = await get(paired, there)
    assert (again.status, b'"replayed"' in again.body) == (409, True)
    moved = await get(paired, signed(paired, endpoint_of(Tile(0, 0, 1))), LOG_PREFIX + "tile/0/001")
    assert moved.status == 401
    for path in (
        "tile/entries/000",
        "tile/entries/000.p/1",
        "tile/64/000",
        "tile/0/0",
        "tile/0/<N>",
    ):
        assert (await get(paired, there, LOG_PREFIX + path)).status == 404

    await paired.clinic.change("pause", paired.lab.name)
    paused = await get(paired, signed(paired, CHECKPOINT))
    assert (paused.status, b'"peer-inactive"' in paused.body) == (403, True)
