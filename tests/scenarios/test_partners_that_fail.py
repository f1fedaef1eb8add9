"""A partner that is down, hangs, floods or lies costs its own share and a line of status."""

import asyncio
from dataclasses import replace

import pytest

from node.federation.ask import AskResult
from node.ingest.record import Record
from node.operations.registry import silent
from protocol.leaf import Unanswered
from tests.scenarios.conftest import Watched
from tests.scenarios.middleman import Message, forever
from tests.scenarios.world import (
    Organisation,
    documents,
    envelope,
    grant,
    only,
    pair,
    vector,
)

FLOOD = 9 * 1024 * 1024
DEADLINE_S = 2.0


@pytest.fixture
async def both(watched: Watched) -> Organisation:
    """A second partner that answers, beside the clinic behind the middleman."""
    friend = await watched.world.organisation("friend.example", documents("friend"))
    await pair(friend, watched.lab)
    await friend.grant(grant("lab.example"))
    await watched.lab.ask()  # so that both partners' offers are known
    return friend


def friend_answered(result: AskResult) -> None:
    """The other partner's answer is there, whatever happened to the clinic's."""
    assert only(result, "friend.example").state == "ok"
    assert {hit.organisation for hit in result.results[0]} == {"friend.example"}


async def test_a_partner_that_is_down_is_a_line_of_status(
    watched: Watched, both: Organisation
) -> None:
    del both
    await watched.clinic.stop()

    async def broken(_message: Message) -> Message:
        raise ConnectionError

    watched.between.on_request = broken
    result = await watched.lab.ask()
    friend_answered(result)
    assert only(result, "clinic.example").state == "unverifiable"  # the proxy's own error page


async def test_an_address_where_nobody_listens_is_unreachable(
    watched: Watched, both: Organisation
) -> None:
    await both.stop()
    status = only(await watched.lab.ask(), "friend.example")
    assert status.state == "unreachable"
    assert watched.lab.leaves(Unanswered)[-1].reason == "unreachable"


async def test_a_hanging_partner_costs_its_own_deadline(
    watched: Watched, both: Organisation
) -> None:
    del both
    hanging: list[Message] = []

    async def hang(message: Message) -> Message:
        hanging.append(message)
        return await forever(message)  # nothing but the asker's own deadline ends this

    watched.between.on_answer = hang
    async with asyncio.timeout(30 * DEADLINE_S):  # a node that waits for the partner hangs with it
        result = await watched.lab.ask(deadline_s=DEADLINE_S)
    assert len(hanging) == 1  # the clinic had answered: what hung was the wire
    friend_answered(result)
    assert only(result, "clinic.example").state == "timeout"
    assert watched.lab.leaves(Unanswered)[-1].reason == "timeout"


async def test_a_slow_partner_is_waited_for_within_the_deadline(
    watched: Watched, both: Organisation
) -> None:
    del both

    async def slow(message: Message) -> Message:
        await asyncio.sleep(0.3)
        return message

    watched.between.on_answer = slow
    result = await watched.lab.ask(deadline_s=10.0)
    assert not result.partial


async def test_a_flood_is_cut_off(watched: Watched, both: Organisation) -> None:
    del both

    async def flood(message: Message) -> Message:
        return replace(message, body=message.body + b" " * FLOOD)

    watched.between.on_answer = flood
    result = await watched.lab.ask()
    friend_answered(result)
    assert only(result, "clinic.example").state == "oversized"


@pytest.mark.parametrize(
    "granted",
    [["bins"], ["bins", "ranks"], ["ranks", "ranks"]],
    ids=["scores", "scores and ranks", "ranks twice"],
)
async def test_a_liar_does_not_own_the_merged_list(
    watched: Watched, both: Organisation, granted: list[str]
) -> None:
    asked = 0.6 * vector(0) + 0.8 * vector(5)  # the honest documents are at most 0.6 near to it
    # every document of the liar, in all its collections, claims to be exactly what was asked for
    lies = [
        Record(id=f"lie-{n}", where="", text="lie", vector=asked, labels=frozenset({"open"}))
        for n in range(40)
    ]
    liar = await watched.world.organisation("liar.example")
    names = [f"lies-{n}" for n in range(len(granted))]
    for name in names:
        made = await liar.node.collections.create(name, "given", title=name)
        await made.ingest(lies, len(lies), silent)
    await pair(liar, watched.lab)
    await liar.grant(
        *(
            grant("lab.example", collection=name, granularity=kind)
            for name, kind in zip(names, granted, strict=True)
        )
    )
    await watched.lab.node.asker.offers(["liar.example"], None)
    result = await watched.lab.ask(k=10, vectors=[asked.tolist()])
    assert [silo.state for silo in result.silos] == ["ok"] * (2 + len(granted))
    (hits,) = result.results
    claimed = [hit.organisation == "liar.example" for hit in hits]
    honest = [hit for hit in hits if hit.organisation != "liar.example"]
    assert {hit.organisation for hit in honest} == {"clinic.example", both.name}
    assert all(hit.bin is not None and hit.bin < 0.65 for hit in honest)
    for hit in (hit for hit in hits if hit.organisation == "liar.example"):
        assert hit.bin in (0.975, None)
    assert len(hits) == 10
    for end in range(1, 11):
        assert sum(claimed[:end]) <= end // 2 + 1


async def test_a_question_whose_connection_broke_is_asked_again_and_charged_once(
    watched: Watched,
) -> None:
    await watched.lab.ask()
    await watched.lab.ask()
    cut: list[bytes] = []

    async def cut_once(message: Message) -> Message:
        if not cut:
            cut.append(message.body)
            raise asyncio.CancelledError  # the middleman hangs up after the clinic has answered
        return message

    watched.between.on_answer = cut_once
    status = await watched.lab.ask_one()
    assert (status.state, status.repeated, status.queries_left) == ("ok", True, 997)


async def test_a_card_is_fetched_anew_before_it_expires(watched: Watched) -> None:
    held = watched.lab.node.peers.get("clinic.example").card
    watched.world.time.offset += 23 * 3600
    assert (await watched.lab.ask_one()).state == "ok"
    assert watched.lab.node.peers.get("clinic.example").card.serial > held.serial


async def test_a_collection_in_a_space_that_the_card_does_not_name_yet_is_found(
    watched: Watched,
) -> None:
    clinic = watched.clinic.node
    clinic.encoders.add("other", "caller", {}, envelope("two"))
    watched.lab.node.encoders.add("other", "caller", {}, envelope("two"))
    made = await clinic.collections.create("later", "other")
    await made.ingest(documents("later", 2), 2, silent)
    await watched.clinic.grant(grant("lab.example", collection="later"))
    status = await watched.lab.ask_one(encoder="other")
    assert (status.state, status.collection, status.hits) == ("ok", "later", 2)


async def test_without_a_valid_card_nothing_is_asked(watched: Watched) -> None:
    async def broken(_message: Message) -> Message:
        raise ConnectionError

    watched.between.on_request = broken
    watched.world.time.offset += 25 * 3600
    status = await watched.lab.ask_one()
    assert status.state == "no-card"
    assert not watched.between.queries()


async def test_a_partner_with_very_many_collections_is_asked_some_and_that_is_said(
    both: Organisation, monkeypatch: pytest.MonkeyPatch, watched: Watched
) -> None:
    monkeypatch.setattr("node.federation.selection.UNNAMED_COLLECTIONS", 1)
    clinic, records = watched.clinic, documents("clinic")
    second = await clinic.node.collections.create("more", "given", title="More")
    await second.ingest(records, len(records), silent)
    await clinic.grant(grant("lab.example"), grant("lab.example", collection="more"))
    await watched.lab.node.asker.offers(["clinic.example"], None)
    result = await watched.lab.ask()
    silos = [silo for silo in result.silos if silo.organisation == "clinic.example"]
    assert [(silo.collection, silo.state, silo.code) for silo in silos] == [
        ("docs", "ok", None),
        (None, "failed", "too-many"),
    ]
    assert only(result, both.name).state == "ok"
