"""The endpoint for strangers: bounded in size, rate and words."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from node.listeners.strangers import MAX_ADDRESSES, Strangers
from protocol.limits import MAX_PAIRING_BYTES, MAX_PAIRINGS_PER_MINUTE
from protocol.pairing import PAIRING_PATH
from protocol.problems import Problem
from tests.scenarios.world import Organisation, World

JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def clinic(world: World) -> Organisation:
    return await world.organisation("clinic.example")


async def refused(to: Organisation, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    """Send something; status and code of the refusal, which says no more than is allowed."""
    async with (
        aiohttp.ClientSession(to.url) as session,
        session.post(PAIRING_PATH, data=body, headers=headers) as answer,
    ):
        problem = Problem.model_validate_json(await answer.read())
        assert answer.content_type == "application/problem+json"
        assert problem.status == answer.status
        return answer.status, problem.code


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b"", JSON, (400, "request-invalid")),
        (b"{", JSON, (400, "request-invalid")),
        (b"{}", {"Content-Type": "text/plain"}, (415, "unsupported-media-type")),
        (b"{}", {**JSON, "Content-Encoding": "identity"}, (415, "unsupported-media-type")),
        (b"x" * (MAX_PAIRING_BYTES + 1), JSON, (413, "too-large")),
    ],
)
async def test_what_is_no_request_is_refused(
    clinic: Organisation, body: bytes, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    assert await refused(clinic, body, headers) == expected


async def test_an_invitation_that_nobody_made_is_unknown_and_the_answer_says_nothing_else(
    world: World, clinic: Organisation
) -> None:
    lab = await world.organisation("lab.example")
    rival = await world.organisation("rival.example")
    request = (await lab.request_by_mail(rival)).encode()
    assert await refused(clinic, request, JSON) == (403, "invitation-unknown")
    assert clinic.node.peers.all() == []


async def test_a_stranger_who_does_not_stop_is_not_read_any_more(clinic: Organisation) -> None:
    said = [await refused(clinic, b"{}", JSON) for _ in range(MAX_PAIRINGS_PER_MINUTE + 1)]
    assert said[0] == (400, "request-invalid")
    assert said[-1] == (429, "rate-limited")


def test_each_address_and_all_together_have_a_rate_that_fills_again() -> None:
    strangers = Strangers(per_address=2, in_all=3)
    assert [strangers.admit("a", 0.0) for _ in range(3)] == [True, True, False]
    assert [strangers.admit("b", 0.0) for _ in range(2)] == [True, False]
    assert strangers.admit("a", 30.0)
    assert not strangers.admit("a", 29.0)  # a clock that went back gives nothing


def test_the_addresses_of_one_customer_count_as_one() -> None:
    strangers = Strangers(per_address=2, in_all=10)
    same = [strangers.admit(f"2001:db8::{number}", 0.0) for number in range(1, 4)]
    assert same == [True, True, False]
    assert strangers.admit("2001:db8:0:1::1", 0.0)


def test_what_is_remembered_of_strangers_is_bounded() -> None:
    strangers = Strangers(per_address=1, in_all=10 * MAX_ADDRESSES)
    for number in range(MAX_ADDRESSES + 1):
        assert strangers.admit(str(number), 0.0)
    assert not strangers.admit(str(MAX_ADDRESSES), 0.0)
    assert strangers.admit("0", 0.0)  # forgotten
