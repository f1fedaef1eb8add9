"""What an admin withdraws is withdrawn at once, also from questions under way."""

import asyncio

import pytest

from protocol.leaf import Answered, Denied, PeerChanged, PolicyApplied
from tests.scenarios.conftest import Pair
from tests.scenarios.held_search import held_search
from tests.scenarios.world import grant


async def test_a_paused_partner_is_told_so_and_nothing_else(paired: Pair) -> None:
    await paired.lab.ask()
    await paired.clinic.change("pause", "lab.example")
    status = await paired.lab.ask_one()
    assert (status.state, status.code) == ("denied", "peer-inactive")
    await paired.clinic.change("resume", "lab.example")
    assert (await paired.lab.ask_one()).state == "ok"
    states = [leaf.state for leaf in paired.clinic.leaves(PeerChanged)]
    assert states == ["pending", "active", "paused", "active"]


async def test_a_revoked_partner_is_a_stranger(paired: Pair) -> None:
    await paired.lab.ask()
    await paired.clinic.change("revoke", "lab.example")
    status = await paired.lab.ask_one()
    assert (status.state, status.code) == ("unverifiable", "unsigned")
    assert len(paired.clinic.leaves(Answered)) == 1


async def test_whom_one_has_paused_one_does_not_ask(paired: Pair) -> None:
    await paired.lab.change("pause", "clinic.example")
    status = await paired.lab.ask_one(peers=["clinic.example"])
    assert status.state == "not-active"
    assert paired.clinic.leaves(Answered) == []


@pytest.mark.parametrize("verb", ["pause", "revoke"])
async def test_nothing_is_answered_after_the_leaf_that_withdraws_even_to_a_question_under_way(
    paired: Pair, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await paired.lab.ask()
    with held_search(paired.clinic, monkeypatch) as gate:
        question = asyncio.create_task(paired.lab.ask_one())
        await gate.reached_by(question)
        await paired.clinic.change(verb, "lab.example")
        gate.opened.set()
        status = await question
    assert status.state in ("denied", "unverifiable")
    leaves = paired.clinic.all_leaves()
    withdrawn = next(
        at
        for at, leaf in enumerate(leaves)
        if isinstance(leaf, PeerChanged) and leaf.state in ("paused", "revoked")
    )
    assert not any(isinstance(leaf, Answered) for leaf in leaves[withdrawn:])


async def test_a_new_policy_holds_for_the_next_question_and_is_in_its_leaf(paired: Pair) -> None:
    await paired.lab.ask()
    applied = await paired.clinic.grant(grant("lab.example", max_k=2))
    assert (await paired.lab.ask_one(k=10)).state in ("ok", "denied")
    await paired.clinic.grant()
    status = await paired.lab.ask_one(collections=["clinic.example/docs"])
    assert (status.state, status.rule) == ("denied", "collection")
    policies = [leaf.policy for leaf in paired.clinic.leaves(PolicyApplied)]
    assert policies[1] == applied.digest
    assert paired.clinic.leaves(Answered)[0].policy == policies[0]
    assert paired.clinic.leaves(Denied)[-1].policy == policies[2]


async def test_a_question_under_way_is_judged_again_under_the_new_policy(
    paired: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    await paired.lab.ask()
    with held_search(paired.clinic, monkeypatch) as gate:
        question = asyncio.create_task(paired.lab.ask_one())
        await gate.reached_by(question)
        await paired.clinic.grant(grant("lab.example", granularity="ranks", labels=["other"]))
        gate.opened.set()
        status = await question
    assert (status.state, status.granularity, status.hits) == ("ok", "ranks", 0)
    leaves = paired.clinic.all_leaves()
    applied = max(at for at, leaf in enumerate(leaves) if isinstance(leaf, PolicyApplied))
    (answered,) = [leaf for leaf in leaves[applied:] if isinstance(leaf, Answered)]
    assert answered.policy == paired.clinic.node.policy.current.digest
    assert status.queries_left == 998  # charged once, although it was worked on twice


async def test_policy_and_partners_survive_a_restart(paired: Pair) -> None:
    await paired.lab.ask()
    await paired.clinic.stop()
    again = await paired.world.serve(paired.clinic.node.data)
    status = await paired.lab.ask_one()
    assert status.state == "ok"
    assert status.queries_left == 998
    assert again.node.policy.current.generation == 1
