"""What partners have used, as their owner sees it and forgets it; and probing that is noticed."""

import asyncio

import pytest

from node.operations.audit import LogVerified, VerifyLog
from node.operations.budgets import (
    BudgetRow,
    Budgets,
    BudgetWasReset,
    ExposureShown,
    OfPeer,
    ResetBudget,
)
from node.operations.errors import NotFound
from protocol.leaf import AdminActed, Answered, Denied
from protocol.messages import Answer
from protocol.vectors import encode
from tests.scenarios.conftest import Pair
from tests.scenarios.held_search import held_search
from tests.scenarios.test_budgets import ask, question
from tests.scenarios.test_exposure import seen
from tests.scenarios.world import DOCS, grant, vector

LAB = "lab.example"


async def budget(paired: Pair) -> BudgetRow:
    shown = await paired.clinic.do("budget.show", OfPeer(peer=LAB), Budgets)
    return shown.budgets[0]


async def reset(paired: Pair, collection: str | None = None) -> BudgetWasReset:
    request = ResetBudget(peer=LAB, collection=collection)
    return await paired.clinic.do("budget.reset", request, BudgetWasReset)


async def test_the_owner_sees_what_a_partner_has_used(paired: Pair) -> None:
    await paired.clinic.grant(grant(LAB, records_per_epoch=6, queries_per_day=100))
    await seen(paired, 0.0, 0.0)
    row = await budget(paired)
    assert (row.queries_left, row.records, row.records_limit) == (98, 3, 6)
    assert row.exposure_quarters == 2
    exposure = await paired.clinic.do("exposure.show", OfPeer(), ExposureShown)
    (told,) = exposure.exposures
    assert (told.peer, told.collection, told.records) == (LAB, DOCS, 3)
    assert (told.answers, told.most, told.documents) == (6, 2, 12)


@pytest.mark.parametrize("collection", [None, DOCS])
async def test_a_reset_starts_every_count_over_and_stands_in_the_log(
    paired: Pair, collection: str | None
) -> None:
    await paired.clinic.grant(grant(LAB, records_per_epoch=3, queries_per_day=4))
    first, same = await seen(paired, 0.0, 0.9)
    assert first == same
    done = await reset(paired, collection)
    row = await budget(paired)
    assert (row.queries_left, row.records) == (4, 0)
    (others,) = await seen(paired, 0.9)
    assert not others & first
    (leaf,) = [
        each for each in paired.clinic.leaves(AdminActed) if each.operation == "budget.reset"
    ]
    assert (leaf.peer, leaf.subject) == (LAB, collection)
    assert paired.clinic.all_leaves()[done.leaf] == leaf
    verified = await paired.clinic.do("audit.verify", VerifyLog(), LogVerified)
    assert verified.verdict == "SELF-SIGNED"


async def test_a_reset_of_another_collection_forgets_nothing(paired: Pair) -> None:
    await paired.clinic.grant(
        grant(LAB, queries_per_day=4), grant("archive.example", collection="other")
    )
    await seen(paired, 0.0)
    await reset(paired, "other")
    assert (await budget(paired)).queries_left == 3
    with pytest.raises(NotFound, match="no collection nope"):
        await reset(paired, "nope")


async def test_a_reset_survives_a_restart(paired: Pair) -> None:
    await paired.clinic.grant(grant(LAB, records_per_epoch=3))
    await seen(paired, 0.0)
    await reset(paired)
    data = paired.clinic.node.data
    await paired.clinic.stop()
    paired.world.organisations.remove(paired.clinic)
    paired.clinic = await paired.world.serve(data)
    row = await budget(paired)
    assert (row.queries_left, row.records) == (1000, 0)


async def test_a_question_under_way_counts_on_the_new_account(
    paired: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    await paired.clinic.grant(grant(LAB, queries_per_day=10))
    await paired.lab.ask()
    with held_search(paired.clinic, monkeypatch) as gate:
        asking = asyncio.create_task(paired.lab.ask())
        await gate.reached_by(asking)
        await reset(paired)
        assert (await budget(paired)).queries_left == 9
        gate.opened.set()
        await asking
    assert (await budget(paired)).queries_left == 9


async def test_resets_among_many_questions_lose_and_double_nothing(paired: Pair) -> None:
    await paired.clinic.grant(grant(LAB, queries_per_day=30, rate=100_000))
    await paired.lab.ask()
    said = await asyncio.gather(
        *(ask(paired, question()) for _ in range(30)),
        reset(paired),
        *(ask(paired, question()) for _ in range(30)),
    )
    leaves = paired.clinic.all_leaves()
    at = next(n for n, leaf in enumerate(leaves) if isinstance(leaf, AdminActed) and leaf.peer)
    later = sum(leaf.charged for leaf in leaves[at:] if isinstance(leaf, Answered))
    assert (await budget(paired)).queries_left == 30 - later
    assert paired.clinic.node.log.spent(LAB, DOCS, leaves[-1].at // 86_400) == later
    answered = sum(isinstance(getattr(each, "payload", None), Answer) for each in said)
    assert 30 <= answered <= 60


async def test_a_name_that_nobody_has_is_not_shown_as_unused(paired: Pair) -> None:
    with pytest.raises(NotFound, match=r"lap\.example is no partner"):
        await paired.clinic.do("budget.show", OfPeer(peer="lap.example"), Budgets)


async def test_feeling_around_one_point_is_refused_by_its_own_rule(paired: Pair) -> None:
    await paired.clinic.grant(grant(LAB, near_duplicates_per_day=5))
    said = [
        await ask(paired, question(vectors=encode(vector(0, 0.001 * n)[None, :]))) for n in range(8)
    ]
    answered = [each for each in said if isinstance(each.payload, Answer)]
    problems = [each.payload.problem for each in said if each not in answered]
    assert len(answered) == 5
    assert {(p.code, p.rule) for p in problems} == {("budget-exhausted", "near-duplicates")}
    assert [leaf.charged for leaf in paired.clinic.leaves(Denied)] == [0, 0, 0]
    far = question(vectors=encode(vector(7)[None, :]))
    assert isinstance((await ask(paired, far)).payload, Answer)
    same = question(vectors=encode(vector(0)[None, :]))
    assert isinstance((await ask(paired, same)).payload, Answer)


async def test_what_lies_close_together_is_remembered_over_a_restart(paired: Pair) -> None:
    await paired.clinic.grant(grant(LAB, near_duplicates_per_day=1))
    await paired.lab.ask()
    data = paired.clinic.node.data
    await paired.clinic.stop()
    paired.world.organisations.remove(paired.clinic)
    await paired.world.serve(data)
    said = await ask(paired, question(vectors=encode(vector(0, 0.001)[None, :])))
    assert said.payload.problem.rule == "near-duplicates"
