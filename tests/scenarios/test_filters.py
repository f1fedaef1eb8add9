"""Questions that narrow by metadata: as far as the grant names the fields, and no further."""

from typing import Any

import pytest

from node.ingest.record import Record
from node.operations.partners import ListPartners, Partners
from node.operations.resolve import Resolve, ResolvedRecord
from protocol.leaf import Denied
from tests.scenarios.conftest import Pair
from tests.scenarios.world import World, grant, pair, vector


@pytest.fixture
async def dated(world: World) -> Pair:
    """A clinic whose documents have a year and a language, both sides with a collection."""
    records = [
        Record(
            id=f"clinic-{n}",
            where="",
            vector=vector(0, 0.09 * n),
            labels=frozenset({"open"}),
            metadata={"year": 2015 + n, "language": ["en", "de"][n % 2], "ward": "b"},
        )
        for n in range(10)
    ]
    lab = await world.organisation("lab.example", records)
    clinic = await world.organisation("clinic.example", records)
    await pair(lab, clinic)
    await clinic.grant(grant("lab.example", filterable=["year", "language"]))
    return Pair(world, lab, clinic)


async def names(dated: Pair, wanted: dict[str, Any], **fields: Any) -> list[str | None]:
    result = await dated.lab.ask(filter=wanted, **fields)
    return [
        hit.external_id
        if hit.own
        else (
            await dated.clinic.do("resolve", Resolve(reference=hit.reference or ""), ResolvedRecord)
        ).external_id
        for hit in result.results[0]
    ]


async def test_a_filter_narrows_what_is_found(dated: Pair) -> None:
    wanted = {"year": {"least": 2018, "most": 2023}, "language": {"any_of": ["de"]}}
    assert await names(dated, wanted) == ["clinic-3", "clinic-5", "clinic-7"]
    assert await names(dated, {"year": {"any_of": [2024]}}) == ["clinic-9"]
    assert await names(dated, {"year": {"any_of": [1999]}}) == []


async def test_own_collections_are_filtered_by_any_field(dated: Pair) -> None:
    wanted = {"ward": {"any_of": ["b"]}, "year": {"least": 2023}}
    found = await names(dated, wanted, own=True, collections=["lab.example/docs"])
    assert found == ["clinic-8", "clinic-9"]


async def test_a_field_that_is_not_granted_is_refused_whether_or_not_it_exists(
    dated: Pair,
) -> None:
    said = [
        await dated.lab.ask_one(filter={field: {"any_of": ["b"]}}) for field in ("ward", "nothing")
    ]
    assert [(s.state, s.code, s.rule) for s in said] == [("denied", "not-granted", "filter")] * 2
    assert said[0].detail == said[1].detail
    assert len(dated.clinic.leaves(Denied)) == 2


async def test_partners_are_told_by_which_fields_they_may_filter(dated: Pair) -> None:
    told = await dated.lab.do("partners", ListPartners(), Partners)
    assert told.partners[0].offers[0].filterable == ("language", "year")


async def test_a_filter_and_a_record_that_is_used_up_narrow_together(dated: Pair) -> None:
    await dated.clinic.grant(grant("lab.example", filterable=["language"], answers_per_record=1))
    german = {"language": {"any_of": ["de"]}}
    assert await names(dated, german, k=2) == ["clinic-1", "clinic-3"]
    assert await names(dated, german, k=2) == ["clinic-5", "clinic-7"]
    assert await names(dated, german, k=2) == ["clinic-9"]


async def test_counts_by_filter_cost_the_records_that_were_found(dated: Pair) -> None:
    await dated.clinic.grant(
        grant("lab.example", granularity="count", filterable=["year"], records_per_epoch=2)
    )
    counts: list[int | None] = []
    for year in range(2015, 2025):
        wanted = {"year": {"any_of": [year]}}
        status = await dated.lab.ask_one(
            collections=["clinic.example/docs"], filter=wanted, granularity="count"
        )
        counts += status.counts or ()
    assert counts == [1, 1, *[0] * 8]


async def test_one_question_under_many_filters_is_probing(dated: Pair) -> None:
    await dated.clinic.grant(
        grant("lab.example", granularity="count", filterable=["year"], near_duplicates_per_day=3)
    )
    codes = []
    for year in range(2015, 2020):
        status = await dated.lab.ask_one(
            collections=["clinic.example/docs"],
            filter={"year": {"any_of": [year]}},
            granularity="count",
        )
        codes.append(status.code)
    assert codes == [None, None, None, "budget-exhausted", "budget-exhausted"]
