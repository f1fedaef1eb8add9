"""Whom a question goes to."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from node.federation.ask import AskRequest
from node.federation.errors import NothingToAsk, PeerUnknown, QuestionInvalid
from node.federation.peer import Peer
from node.federation.peers import PeerBook
from node.federation.selection import (
    UNNAMED_COLLECTIONS,
    affordable,
    nothing_chosen,
    own_collections,
    partners_for,
    require_somebody,
    targets,
)
from protocol.messages import Offer
from tests.node.federation.party import NOW, WORDS, Party

OWN = "lab.example"


def request(**fields: Any) -> AskRequest:
    return AskRequest.model_validate({"texts": ["q"], "purpose": "research", **fields})


def offer(collection: str, *purposes: str) -> Offer:
    return Offer(
        collection=collection, purposes=purposes, granularity="bins", max_k=10, queries_left=1
    )


@pytest.fixture
async def peers(tmp_path: Path) -> PeerBook:
    """Two active partners and a paused one."""
    book = PeerBook.open(tmp_path)

    async def append(_peer: Peer, guard: Callable[[], None]) -> None:
        guard()

    for name in ("a.example", "b.example", "paused.example"):
        party = Party(name)
        await book.add(party.record(), append)
        await book.approve(name, WORDS, NOW, append)
    await book.change_state("paused.example", "paused", NOW, append)
    return book


@pytest.mark.parametrize(
    ("fields", "chosen"),
    [
        ({}, ["a.example", "b.example"]),
        ({"peers": ["b.example"]}, ["b.example"]),
        ({"peers": ["paused.example"]}, ["paused.example"]),
        ({"collections": ["docs"]}, ["a.example", "b.example"]),
        ({"collections": ["a.example/docs"]}, ["a.example"]),
        ({"collections": ["a.example/docs", "notes"]}, ["a.example", "b.example"]),
        ({"collections": ["lab.example/docs"]}, []),
        ({"collections": ["lab.example/docs", "b.example/docs"]}, ["b.example"]),
        ({"peers": ["a.example"], "collections": ["lab.example/docs"]}, ["a.example"]),
    ],
)
async def test_partners_follow_from_what_is_named(
    peers: PeerBook, fields: dict[str, Any], chosen: list[str]
) -> None:
    assert partners_for(request(**fields), OWN, peers) == chosen


async def test_a_caller_bound_to_some_partners_cannot_name_anothers_collection(
    peers: PeerBook,
) -> None:
    with pytest.raises(QuestionInvalid, match=r"b\.example"):
        partners_for(request(peers=["a.example"], collections=["b.example/docs"]), OWN, peers)


async def test_a_partner_that_was_never_added_is_an_error(peers: PeerBook) -> None:
    for fields in ({"peers": ["c.example"]}, {"collections": ["c.example/docs"]}):
        with pytest.raises(PeerUnknown):
            partners_for(request(**fields), OWN, peers)


@pytest.mark.parametrize(
    ("fields", "chosen"),
    [
        ({}, ["docs", "notes"]),
        ({"own": False}, []),
        ({"collections": ["docs"]}, ["docs"]),
        ({"collections": ["lab.example/notes"]}, ["notes"]),
        ({"collections": ["a.example/docs"]}, []),
    ],
)
def test_own_collections_follow_from_what_is_named(
    fields: dict[str, Any], chosen: list[str]
) -> None:
    assert own_collections(request(**fields), OWN, ["docs", "notes"]) == chosen


OFFERS = [offer("docs", "research"), offer("docs", "care"), offer("notes", "care")]


@pytest.mark.parametrize(
    ("fields", "chosen"),
    [
        ({}, ["docs"]),
        ({"purpose": "care"}, ["docs", "notes"]),
        ({"purpose": "marketing"}, []),
        ({"purpose": "marketing", "peers": ["a.example"]}, ["docs", "notes"]),
        ({"collections": ["notes"]}, ["notes"]),
        ({"collections": ["hidden"]}, []),
        ({"collections": ["a.example/hidden"]}, ["hidden"]),
        ({"collections": ["b.example/docs"]}, []),
    ],
)
def test_what_is_named_is_asked_and_the_rest_only_where_it_is_offered(
    fields: dict[str, Any], chosen: list[str]
) -> None:
    found = targets(request(**fields), "a.example", OFFERS)
    assert [target.collection for target in found] == chosen


def test_the_offer_for_the_purpose_is_the_one_that_counts() -> None:
    (target,) = targets(request(purpose="care", collections=["docs"]), "a.example", OFFERS)
    assert target.offer is OFFERS[1]


def test_nobody_to_ask_is_an_error() -> None:
    with pytest.raises(NothingToAsk):
        require_somebody(request(), [], [], ["docs"])
    require_somebody(request(), ["a.example"], [], [])
    require_somebody(request(), [], ["docs"], ["docs"])


def test_a_collection_that_nobody_has_is_named_with_those_that_exist() -> None:
    named = request(collections=["nope"])
    with pytest.raises(NothingToAsk, match=r"collection nope.*Own collections: docs, notes\."):
        require_somebody(named, [], [], ["docs", "notes"])
    offers = [offer("docs", "research"), offer("other", "care")]
    assert nothing_chosen(named, "a.example", offers) == (
        "a.example offers no nope; for the purpose research it offers docs"
    )
    assert nothing_chosen(named, "a.example", offers[1:]).endswith("for the purpose research")


def test_a_partner_does_not_decide_how_much_a_question_costs() -> None:
    names = [f"c{number:04}" for number in range(1024)]
    offers = [offer(name, "research") for name in names]
    everything = request()
    few = affordable(everything, targets(everything, "a.example", offers))
    assert [target.collection for target in few] == names[:UNNAMED_COLLECTIONS]
    named = request(collections=names)
    assert len(affordable(named, targets(named, "a.example", offers))) == len(names)
