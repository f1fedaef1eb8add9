"""Under load and constant change of mind: the order of the leaves is the truth."""

import asyncio
import random
import secrets
from typing import Any

from node.federation.exchange import Asking
from node.federation.unverifiable import Unverifiable
from protocol.accept_query import RawRequest
from protocol.leaf import Answered, Denied, PeerChanged, PolicyApplied, Repeated
from protocol.profile import QUERY
from protocol.root import authority_of
from protocol.sign import sign_request
from tests.scenarios.conftest import Pair
from tests.scenarios.test_budgets import question
from tests.scenarios.world import Organisation, grant

ASKERS, ROUNDS = 6, 12


async def keep_asking(paired: Pair, stop: asyncio.Event) -> int:
    """Ask until told to stop; return how many answers came."""
    exchanger = paired.lab.node.asker._rooms.exchanger
    peer = paired.lab.node.peers.get("clinic.example")
    answered = 0
    while not stop.is_set():
        try:
            said: Any = await exchanger.ask(peer, Asking(question(), None), 10.0)
        except Unverifiable:
            continue
        answered += hasattr(said, "leaf") and isinstance(said.leaf, Answered)
    return answered


async def change_minds(clinic: Organisation) -> None:
    """Apply policies and pause the partner, over and over."""
    for turn in range(ROUNDS):
        fields: dict[str, Any] = {"rate": 1_000_000, "queries_per_day": 1_000_000 + turn}
        await clinic.grant(grant("lab.example", **fields))
        await asyncio.sleep(0.02)
        if turn % 3 == 0:
            await clinic.change("pause", "lab.example")
            await asyncio.sleep(0.01)
            await clinic.change("resume", "lab.example")


async def test_every_answer_stands_under_the_policy_and_state_that_the_log_says(
    paired: Pair,
) -> None:
    await paired.clinic.grant(grant("lab.example", rate=1_000_000, queries_per_day=1_000_000))
    stop = asyncio.Event()
    asking = [asyncio.create_task(keep_asking(paired, stop)) for _ in range(ASKERS)]
    await change_minds(paired.clinic)
    stop.set()
    shown = sum(await asyncio.gather(*asking))

    policy, state, answers = None, None, 0
    for leaf in paired.clinic.all_leaves():
        if isinstance(leaf, PolicyApplied):
            assert leaf.previous == policy or policy is None
            policy = leaf.policy
        elif isinstance(leaf, PeerChanged):
            state = leaf.state
        elif isinstance(leaf, Answered | Repeated | Denied):
            assert state == "active"
            if isinstance(leaf, Answered):
                assert leaf.policy == policy
                answers += 1
    assert shown == answers > 0


async def test_whatever_arrives_there_is_one_response_and_never_an_answer_to_something_else(
    paired: Pair,
) -> None:
    """The invariant of the responder under damage: a refusal with a known status, nothing else."""
    await paired.clinic.grant(grant("lab.example", rate=1_000_000, queries_per_day=1_000_000))
    peer, chance = paired.lab.node.peers.get("clinic.example"), random.Random(20)  # noqa: S311 # a seeded choice of damage
    for _ in range(250):
        signed = sign_request(
            QUERY,
            authority_of(peer.url),
            "lab.example",
            "clinic.example",
            question().encode(),
            paired.lab.node.identity.signer("sign"),
            paired.world.time(),
            secrets.token_bytes(16),
        )
        headers = [(name.encode(), value.encode()) for name, value in signed.headers]
        raw = damaged(signed.path, signed.authority, headers, signed.body, chance)
        response = await paired.clinic.node.responder.answer(raw, "127.0.0.1")
        assert response.status in (400, 401, 404, 413, 415, 431)
        assert b"urn:interlingua:problem:" in response.body
        assert not any(name.lower() == "signature" for name, _ in response.headers)
    assert not paired.clinic.leaves(Answered)
    assert not paired.clinic.leaves(Denied)


def damaged(
    path: str,
    authority: str,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
    chance: random.Random,
) -> RawRequest:
    """The request with one thing changed that a signature covers, or that makes it another one."""
    which = chance.randrange(6)
    if which == 0:
        path += chance.choice(["/", "x", "%20", "/../query"])
    elif which == 1:
        authority = chance.choice(["", "clinic.example", authority + "0", "[::1]"])
    elif which == 2:
        at = chance.randrange(len(body))
        body = body[:at] + bytes([body[at] ^ (1 << chance.randrange(8))]) + body[at + 1 :]
    elif which == 3:
        body = body[: chance.randrange(len(body))]
    else:
        number = chance.randrange(len(headers))
        name, value = headers[number]
        if which == 4:
            at = chance.randrange(len(value))
            flipped = bytes([value[at] ^ (1 << chance.randrange(7))])
            headers[number] = (name, value[:at] + flipped + value[at + 1 :])
        else:
            del headers[number]
    query = "a=1" if chance.random() < 0.05 else ""
    return RawRequest("POST", authority, path, query, tuple(headers), body)
