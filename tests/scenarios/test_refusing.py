"""What a grant does not allow is refused: signed, with its rule, logged on both sides."""

from typing import Any

import pytest

from node.federation.exchange import Asking
from node.federation.readings import Reading, read_answer
from node.federation.routing import Plan
from protocol.envelope import Envelope
from protocol.leaf import Answered, Denied, Failed, Received, Refused, new_salt
from protocol.messages import Query
from protocol.vectors import encode
from tests.scenarios.conftest import Pair
from tests.scenarios.world import DOCS, PURPOSE, documents, envelope, grant, vector


async def ask_raw(paired: Pair, **fields: Any) -> Reading:
    """Ask the clinic's documents with a query that the asker itself would not send."""
    own: Envelope = fields.get("envelope", envelope().describing(role="query"))
    given = {
        "id": new_salt(),
        "salt": new_salt(),
        "collection": DOCS,
        "purpose": PURPOSE,
        "k": 3,
        "space": own.space_id,
        "envelope": own,
        "vectors": encode(vector(0)[None, :]),
        **fields,
    }
    query = Query.model_construct(**given)
    peer = paired.lab.node.peers.get("clinic.example")
    exchanger = paired.lab.node.asker._rooms.exchanger
    said = await exchanger.ask(peer, Asking(query, None), 5.0)
    status = (await paired.lab.ask_one(collections=["clinic.example/docs"])).model_copy()
    return read_answer(said, Plan(own), own.space_id, status)


async def test_a_purpose_that_is_not_granted_is_refused_with_its_rule(paired: Pair) -> None:
    status = await paired.lab.ask_one(purpose="marketing", collections=["clinic.example/docs"])
    assert (status.state, status.code, status.rule) == ("denied", "not-granted", "purpose")
    (denied,) = paired.clinic.leaves(Denied)
    (received,) = [r for r in paired.lab.leaves(Received) if r.decision == "denied"]
    assert (denied.reason, denied.purpose, denied.charged) == ("not-granted", "marketing", 0)
    assert received.answer == denied.answer
    assert received.receipt is not None


async def test_nobody_is_bothered_with_a_purpose_for_which_nothing_is_offered(
    paired: Pair,
) -> None:
    status = await paired.lab.ask_one(purpose="marketing")
    assert (status.state, status.code) == ("nothing-offered", "not-offered")
    assert paired.clinic.leaves(Denied) == []
    named = await paired.lab.ask_one(purpose="marketing", peers=["clinic.example"])
    assert named.state == "denied"


@pytest.mark.parametrize(
    ("grants", "fields", "rule"),
    [
        ({"collection": "other"}, {}, "collection"),
        ({"peer": "rival.example"}, {}, "collection"),
        ({"expires": "2020-01-01"}, {}, "grant-expired"),
        ({"granularity": "count"}, {"granularity": "ranks"}, "granularity"),
        ({}, {"agreement": "DSA-99"}, "agreement"),
    ],
)
async def test_each_rule_of_the_grant_holds(
    paired: Pair, grants: dict[str, Any], fields: dict[str, Any], rule: str
) -> None:
    await paired.clinic.grant({**grant("lab.example"), **grants})
    status = await paired.lab.ask_one(collections=["clinic.example/docs"], **fields)
    assert (status.state, status.code, status.rule) == ("denied", "not-granted", rule)
    assert paired.clinic.leaves(Answered) == []


async def test_more_than_k_is_refused_to_whoever_insists(paired: Pair) -> None:
    await paired.clinic.grant(grant("lab.example", max_k=2))
    reading = await ask_raw(paired, k=3)
    assert (reading.status.code, reading.status.rule) == ("not-granted", "k")


async def test_a_collection_that_does_not_exist_is_refused_like_one_that_is_not_granted(
    paired: Pair,
) -> None:
    await paired.clinic.grant(grant("lab.example"), grant("lab.example", collection="ghost"))
    ghost = await ask_raw(paired, collection="ghost")
    other = await ask_raw(paired, collection="nowhere")
    assert ghost.status.rule == other.status.rule == "collection"
    assert ghost.status.detail == other.status.detail


async def test_a_query_budget_ends_with_its_day(paired: Pair) -> None:
    await paired.clinic.grant(grant("lab.example", queries_per_day=2))
    assert [(await paired.lab.ask_one()).state for _ in range(3)] == ["ok", "ok", "denied"]
    status = await paired.lab.ask_one()
    assert status.code == "budget-exhausted"
    paired.world.time.offset += 86_400
    assert (await paired.lab.ask_one()).state == "ok"


async def test_a_rate_is_kept_without_a_leaf_for_each_refusal(paired: Pair) -> None:
    await paired.clinic.grant(grant("lab.example", rate=3))
    codes = [(await paired.lab.ask_one()).code for _ in range(6)]
    assert codes.count("rate-limited") >= 2
    denied = [leaf for leaf in paired.lab.leaves(Received) if leaf.reason == "rate-limited"]
    assert denied
    assert all(leaf.receipt is None for leaf in denied)
    await paired.clinic.node.responder.flush(everything=True)
    (counted,) = paired.clinic.leaves(Refused)
    assert counted.peer == "lab.example"
    assert counted.counts["rate-limited"] == len(denied)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"space": "sha256:" + "0" * 64}, "envelope-invalid"),
        ({"envelope": envelope().describing(role="document")}, "envelope-invalid"),
        ({"envelope": envelope("two")}, "space-not-accepted"),
        ({"route": "sha256:" + "0" * 64}, "route-unknown"),
        ({"vectors": encode(vector(0)[None, :] * 2)}, "vectors-invalid"),
        ({"vectors": encode(vector(0)[None, :8])}, "vectors-invalid"),
        ({"vectors": encode(vector(0)[None, :], "float16")}, "vectors-invalid"),
        ({"k": 0}, "message-invalid"),
        ({"id": "short"}, "message-invalid"),
    ],
)
async def test_a_question_that_means_nothing_is_refused_before_any_search(
    paired: Pair, fields: dict[str, Any], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = []
    version = paired.clinic.node.collections.get(DOCS).serving
    search = version.search

    async def watch(queries: Any, k: int, *narrowed: Any) -> Any:
        searched.append(k)
        return await search(queries, k, *narrowed)

    monkeypatch.setattr(version, "search", watch)
    reading = await ask_raw(paired, **fields)
    assert reading.status.code == code
    if code == "space-not-accepted":
        assert "model: two there, one here" in (reading.status.detail or "")
    assert searched == [10]  # the ordinary question that `ask_raw` asks for its status


async def test_a_failed_search_is_an_error_that_costs_no_budget(
    paired: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> Any:
        raise OSError("the index is gone")

    version = paired.clinic.node.collections.get(DOCS).serving
    with monkeypatch.context() as broken:
        broken.setattr(version, "search", fail)
        status = await paired.lab.ask_one()
    assert (status.state, status.code) == ("error", "search-failed")
    assert "index" not in (status.detail or "")
    (failed,) = paired.clinic.leaves(Failed)
    assert failed.charged == 0
    assert (await paired.lab.ask_one()).queries_left == 999


async def test_a_stranger_learns_nothing(paired: Pair) -> None:
    stranger = await paired.world.organisation("stranger.example", documents("stranger"))
    await stranger.trust(paired.clinic)
    status = await stranger.ask_one(collections=["clinic.example/docs"])
    assert (status.state, status.code) == ("unverifiable", "unsigned")
    assert "not-authenticated" in (status.detail or "")
    assert paired.clinic.leaves(Denied) == []
    await paired.clinic.node.responder.flush(everything=True)
    (counted,) = paired.clinic.leaves(Refused)
    assert counted.peer is None


async def test_randomness_is_fresh_in_every_question(paired: Pair) -> None:
    await paired.lab.ask()
    await paired.lab.ask()
    queries = {leaf.query for leaf in paired.lab.leaves(Received)}
    assert len(queries) == 3  # the offers, and two questions with the same vector


async def test_a_batch_takes_as_many_rate_tokens_as_it_has_vectors(paired: Pair) -> None:
    await paired.clinic.grant(grant("lab.example", rate=5))
    batch = [vector(0).tolist()] * 4  # with the request for offers that is a minute's worth
    assert (await paired.lab.ask_one(vectors=batch)).state == "ok"
    assert (await paired.lab.ask_one()).code == "rate-limited"
