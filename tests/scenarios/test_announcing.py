"""Whoever announces learns nothing from the answer."""

from __future__ import annotations

import asyncio
import io
import json

import aiohttp

from node.federation.announcements import MAX_WAITING_OF_ONE
from node.federation.version_limit import HOUR_S, VERSIONS_PER_HOUR
from node.operations.keys import Revoke, RootChanged
from protocol.announcement import ANNOUNCE_PATH, Announcement
from protocol.limits import MAX_ANNOUNCEMENT_BYTES, MAX_ANNOUNCEMENTS_PER_MINUTE
from tests.scenarios.conftest import Pair
from tests.scenarios.world import World, pair


async def answers(url: str, *bodies: bytes) -> list[tuple[int, bytes, list[str]]]:
    async def one(body: bytes) -> tuple[int, bytes, list[str]]:
        async with session.post(url + ANNOUNCE_PATH, data=io.BytesIO(body)) as answer:
            return answer.status, await answer.read(), sorted(answer.headers)

    async with aiohttp.ClientSession() as session:
        return list(await asyncio.gather(*(one(body) for body in bodies)))


async def test_a_partner_a_stranger_and_nonsense_get_the_same_answer(world: World) -> None:
    lab = await world.organisation("lab.example")
    clinic = await world.organisation("clinic.example")
    other = await world.organisation("other.example")
    await pair(lab, clinic)
    bodies = [b"", b"{", json.dumps({"v": 1}).encode()]
    for one in (lab, other, clinic):
        node = one.node
        node.identity.renew_root()
        announced = Announcement.of(one.name, node.identity.chain(), node.card.raw)
        bodies.append(announced.encode())
    got = await answers(clinic.url, *bodies)
    assert [status for status, _, _ in got] == [202] * len(bodies)
    assert {(body, tuple(headers)) for _, body, headers in got} == {(b"", tuple(got[0][2]))}
    await clinic.node.announcements.close()  # when all that waits is judged
    assert clinic.node.peers.get("lab.example").root.version == 2
    assert clinic.node.peers.find("other.example") is None


async def test_a_body_beyond_the_limit_is_refused(world: World) -> None:
    clinic = await world.organisation("clinic.example")
    ((status, _, _),) = await answers(clinic.url, b"x" * (MAX_ANNOUNCEMENT_BYTES + 1))
    assert status == 413


async def test_announcements_of_one_address_are_bounded_in_a_minute(world: World) -> None:
    clinic = (await world.organisation("clinic.example")).node
    admitted = [clinic.announcements.admit("10.0.0.1") for _ in range(100)]
    assert admitted.count(True) == MAX_ANNOUNCEMENTS_PER_MINUTE
    assert clinic.announcements.admit("10.0.0.2")
    world.time.offset += 60
    assert clinic.announcements.admit("10.0.0.1")


async def test_announcements_of_all_addresses_are_bounded_too(world: World) -> None:
    clinic = (await world.organisation("clinic.example")).node
    admitted = [clinic.announcements.admit(f"10.0.{n // 256}.{n % 256}") for n in range(2000)]
    assert 0 < admitted.count(True) < 2000


async def test_strangers_who_use_up_the_counts_hold_no_revocation_back(world: World) -> None:
    clinic = await world.organisation("clinic.example")
    lab = await world.organisation("lab.example", asks_only=True)
    await pair(clinic, lab)
    for number in range(1000):
        clinic.node.announcements.admit(f"10.0.0.{number % 250}")
    ((status, _, _),) = await answers(clinic.url, b"{}")
    assert status == 429
    stolen = lab.node.identity.kid("sign")
    await lab.do("key.revoke", Revoke(kid=stolen, reason="stolen"), RootChanged)
    await clinic.node.announcements.close()
    ring = clinic.node.peers.ring("lab.example", world.time())
    assert ring is not None
    assert stolen not in ring.records


async def test_beyond_the_counts_nobody_learns_who_is_a_partner(world: World) -> None:
    lab = await world.organisation("lab.example")
    clinic = await world.organisation("clinic.example")
    await pair(lab, clinic)
    while clinic.node.announcements.admit("127.0.0.1"):
        pass
    lab.node.identity.renew_root()
    announced = Announcement.of("lab.example", lab.node.identity.chain(), None).encode()
    got = await answers(clinic.url, announced, b"{}")
    assert got[0] == got[1]
    await clinic.node.announcements.close()
    assert clinic.node.peers.get("lab.example").root.version == 2


async def test_one_network_takes_no_more_than_its_part_of_what_waits(world: World) -> None:
    clinic = (await world.organisation("clinic.example")).node
    taken = [clinic.announcements.take(b"{}", "10.0.0.1") for _ in range(100)]
    assert taken.count(True) == MAX_WAITING_OF_ONE
    assert clinic.announcements.take(b"{}", "10.0.0.2")
    await clinic.announcements.close()
    assert clinic.announcements.take(b"{}", "10.0.0.1")


async def test_a_paused_partner_that_makes_many_versions_is_slowed_down(paired: Pair) -> None:
    lab, clinic = paired.lab.node, paired.clinic.node
    await paired.lab.change("pause", "clinic.example")
    for _ in range(2 * VERSIONS_PER_HOUR):
        clinic.identity.renew_root()
    chain = clinic.identity.chain()
    for end in (20, 40, 64):
        announced = Announcement.of("clinic.example", chain[max(0, end - 32) : end], None)
        assert lab.announcements.take(announced.encode())
        await lab.announcements.close()
    assert lab.peers.get("clinic.example").root.version == 1 + VERSIONS_PER_HOUR
    assert lab.peers.get("clinic.example").state == "paused"
    paired.world.time.offset += HOUR_S
    assert lab.announcements.take(Announcement.of("clinic.example", chain, None).encode())
    await lab.announcements.close()
    assert lab.peers.get("clinic.example").root.version == len(chain)
