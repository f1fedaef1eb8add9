"""How many records a partner is told of, and how often of each, and what it sees of that."""

import asyncio
from typing import Any

from node.federation.epochs import EPOCH_S, epoch_of
from node.operations.partners import ListPartners, Partners
from node.operations.resolve import Resolve, ResolvedRecord
from protocol.leaf import Answered
from protocol.messages import Offer
from protocol.vectors import encode
from tests.scenarios.conftest import Pair
from tests.scenarios.test_budgets import ask, question
from tests.scenarios.world import Organisation, World, documents, grant, pair, vector


async def seen(paired: Pair, *aways: float, **fields: Any) -> list[set[str | None]]:
    """The references shown to a question at each distance from topic 0."""
    shown = [await paired.lab.ask(vectors=[vector(0, a).tolist()], k=3, **fields) for a in aways]
    return [{hit.reference for hit in each.results[0]} for each in shown]


async def resolved(clinic: Organisation, reference: str | None) -> str | None:
    found = await clinic.do("resolve", Resolve(reference=reference or ""), ResolvedRecord)
    return found.external_id


async def offer(paired: Pair) -> Offer:
    told = await paired.lab.do("partners", ListPartners(), Partners)
    return told.partners[0].offers[0]


async def test_no_more_different_records_are_told_of_than_the_budget_allows(paired: Pair) -> None:
    await paired.clinic.grant(grant("lab.example", records_per_epoch=4))
    lists = await seen(paired, 0.0, 0.27, 0.9, 0.0)
    assert [len(each) for each in lists] == [3, 2, 3, 3]  # the second list ends the budget
    assert len(set().union(*lists)) == 4
    assert lists[2] <= lists[0] | lists[1]
    assert [leaf.exposed for leaf in paired.clinic.leaves(Answered)] == [3, 2, 3, 3]


async def test_a_share_of_the_visible_documents_is_a_budget_too(paired: Pair) -> None:
    await paired.clinic.grant(grant("lab.example", share_per_epoch=0.25))  # of twelve
    lists = await seen(paired, 0.0, 0.9)
    assert lists[0] == lists[1]
    assert len(lists[0]) == 3


async def test_questions_at_once_share_the_exposure_budget(paired: Pair) -> None:
    await paired.clinic.grant(grant("lab.example", records_per_epoch=5, rate=10_000))
    await paired.lab.ask(k=1)
    far = [question(vectors=encode(vector(0, 0.09 * n)[None, :])) for n in range(12)]
    said = await asyncio.gather(*(ask(paired, each) for each in far))
    shown = {hit.ref for each in said for hit in each.payload.results[0]}
    assert len(shown) == 5


async def test_a_partner_reads_its_exposure_in_quarters_and_nothing_without_a_budget(
    paired: Pair,
) -> None:
    assert (await offer(paired)).exposure_quarters is None
    await paired.clinic.grant(grant("lab.example", records_per_epoch=8))
    quarters = []
    for away in (0.0, 0.27, 0.54):
        await seen(paired, away)
        quarters.append((await offer(paired)).exposure_quarters)
    assert quarters == [1, 2, 4]


async def test_a_new_epoch_brings_a_new_budget_and_other_references(world: World) -> None:
    now = world.time()
    world.time.offset = (epoch_of(now) + 1) * EPOCH_S - 60 - now  # a minute before it begins
    lab = await world.organisation("lab.example")
    clinic = await world.organisation("clinic.example", documents("clinic"))
    await pair(lab, clinic)
    paired = Pair(world, lab, clinic)
    await clinic.grant(grant("lab.example", records_per_epoch=3))
    (first,) = await seen(paired, 0.0)
    assert await seen(paired, 0.9) == [first]
    world.time.offset += 120
    same, others = await seen(paired, 0.0, 0.9)
    assert len(same) == len(others) == 3
    assert same == others
    assert not same & first
    names = [{await resolved(clinic, reference) for reference in each} for each in (first, same)]
    assert names[0] == names[1]


async def test_a_record_that_is_used_up_leaves_no_gap_and_its_user_is_told_that_some_are(
    paired: Pair,
) -> None:
    await paired.clinic.grant(grant("lab.example", answers_per_record=2))
    first, again, others = await seen(paired, 0.0, 0.0, 0.0)
    assert first == again
    assert len(others) == 3
    assert not others & first
    status = await paired.lab.ask_one(topic=8)
    assert (status.state, status.withheld) == ("ok", True)


async def test_limits_that_a_grant_sets_too_high_are_named_when_it_is_applied(
    paired: Pair,
) -> None:
    wanted = {"answers_per_record": 9, "scored_answers": 3}
    changes = await paired.clinic.grant(grant("lab.example", **wanted, floor=0.2))
    said = [warning for warning in changes.warnings if "counts as" in warning]
    assert len(said) == 2
    assert "answers_per_record = 9 counts as 2," in said[0]
    assert "scored_answers = 3 counts as 2," in said[1]
    changes = await paired.clinic.grant(grant("lab.example", **{**wanted, "scored_answers": 2}))
    assert not [warning for warning in changes.warnings if "counts as" in warning]


async def test_counts_with_a_floor_use_records_up_too(paired: Pair) -> None:
    await paired.clinic.grant(
        grant("lab.example", granularity="count", floor=0.9, answers_per_record=1)
    )
    counts = [(await paired.lab.ask_one(k=10)).counts for _ in range(2)]
    assert counts == [(6,), (0,)]
    assert [leaf.exposed for leaf in paired.clinic.leaves(Answered)] == [10, 2]


async def test_a_small_number_is_told_without_its_figure(paired: Pair) -> None:
    fields: dict[str, Any] = {"floor": 0.9, "smallest_count": 7, "granularity": "count"}
    await paired.clinic.grant(grant("lab.example", **fields))
    status = await paired.lab.ask_one(k=10)
    assert (status.counts, status.smallest_count) == ((None,), 7)  # six reach the floor
    assert (await paired.lab.ask_one(k=10, granularity="boolean")).found == (False,)
    await paired.clinic.grant(grant("lab.example", **{**fields, "smallest_count": 6}))
    assert (await paired.lab.ask_one(k=10)).counts in {(6,), (None,)}


async def test_counts_survive_a_restart(paired: Pair) -> None:
    await paired.clinic.grant(grant("lab.example", records_per_epoch=3))
    (first,) = await seen(paired, 0.0)
    assert len(first) == 3
    data = paired.clinic.node.data
    await paired.clinic.stop()
    paired.world.organisations.remove(paired.clinic)
    await paired.world.serve(data)
    assert await seen(paired, 0.9) == [first]
