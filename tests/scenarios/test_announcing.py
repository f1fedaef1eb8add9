"""Whoever announces learns nothing from the answer."""

from __future__ import annotations

import asyncio
import io
import json

import aiohttp

from protocol.announcement import ANNOUNCE_PATH, Announcement
from protocol.limits import MAX_ANNOUNCEMENT_BYTES, MAX_ANNOUNCEMENTS_PER_MINUTE
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
