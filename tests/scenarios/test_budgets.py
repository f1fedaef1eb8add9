"""Budgets under concurrency, retries, and what an answer costs."""

import asyncio
import secrets
from collections import Counter
from typing import Any

import pytest

from node.federation.exchange import Asking
from protocol.accept_query import RawRequest
from protocol.answer_content import AcceptedAnswer
from protocol.leaf import Answered, Denied, Repeated, new_salt
from protocol.messages import Answer, Denial, Query
from protocol.profile import QUERY
from protocol.root import authority_of
from protocol.sign import sign_request
from protocol.vectors import encode
from tests.scenarios.conftest import Pair
from tests.scenarios.held_search import held_search
from tests.scenarios.world import DOCS, PURPOSE, envelope, grant, vector


def question(**fields: Any) -> Query:
    own = envelope().describing(role="query")
    given: dict[str, Any] = {
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
    return Query(**given)


async def ask(paired: Pair, query: Query) -> Any:
    exchanger = paired.lab.node.asker._rooms.exchanger
    peer = paired.lab.node.peers.get("clinic.example")
    return await exchanger.ask(peer, Asking(query, None), 10.0)


async def test_many_questions_at_once_get_exactly_the_budget(paired: Pair) -> None:
    await paired.clinic.grant(grant("lab.example", queries_per_day=25, rate=10_000))
    await paired.lab.ask()
    said = await asyncio.gather(*(ask(paired, question()) for _ in range(80)))
    answered = [each for each in said if isinstance(each.payload, Answer)]
    refused = [each.payload.problem.code for each in said if isinstance(each.payload, Denial)]
    assert len(answered) == 24
    assert refused == ["budget-exhausted"] * 56
    assert sum(leaf.charged for leaf in paired.clinic.leaves(Answered)) == 25
    assert min(each.payload.budget.queries for each in answered) == 0


async def test_a_thousand_questions_at_once_get_exactly_a_hundred_answers(paired: Pair) -> None:
    await paired.clinic.grant(grant("lab.example", queries_per_day=100, rate=1_000_000))
    signer, clinic = paired.lab.node.identity.signer("sign"), paired.clinic.node
    authority, at = authority_of(paired.clinic.url), paired.world.time()

    async def asked() -> int:
        body, nonce = question().encode(), secrets.token_bytes(16)
        signed = sign_request(
            QUERY, authority, "lab.example", "clinic.example", body, signer, at, nonce
        )
        headers = [(name.encode(), value.encode()) for name, value in signed.headers]
        raw = RawRequest("POST", authority, signed.path, "", headers, signed.body)
        return (await clinic.responder.answer(raw, "test")).status

    statuses = Counter(await asyncio.gather(*(asked() for _ in range(1000))))
    assert statuses == {200: 100, 429: 900}
    assert sum(leaf.charged for leaf in paired.clinic.leaves(Answered)) == 100
    assert clinic.log.spent("lab.example", DOCS, at // 86_400) == 100


async def test_a_batch_that_does_not_fit_takes_nothing(paired: Pair) -> None:
    await paired.clinic.grant(grant("lab.example", queries_per_day=4))
    three = question(vectors=encode(vector(0)[None, :].repeat(3, axis=0)))
    assert isinstance((await ask(paired, three)).payload, Answer)
    again = await ask(paired, three.model_copy(update={"id": new_salt()}))
    assert again.payload.problem.code == "budget-exhausted"
    assert (await ask(paired, question())).payload.budget.queries == 0


async def test_the_same_question_again_gets_the_same_answer_and_is_charged_once(
    paired: Pair,
) -> None:
    query = question()
    first, second = await ask(paired, query), await ask(paired, query)
    assert second.repeated
    assert first.payload.results == second.payload.results
    assert second.payload.budget.queries == 999
    (answered,), (repeated,) = paired.clinic.leaves(Answered), paired.clinic.leaves(Repeated)
    assert (repeated.charged, repeated.query) == (0, answered.query)
    assert repeated.first == first.receipt.index


async def test_the_same_id_for_another_question_is_refused(paired: Pair) -> None:
    query = question()
    await ask(paired, query)
    other = await ask(paired, query.model_copy(update={"k": 2}))
    assert other.payload.problem.code == "idempotency-mismatch"


async def test_after_a_day_an_id_is_forgotten(paired: Pair) -> None:
    query = question()
    await ask(paired, query)
    paired.world.time.offset += 86_400 + 60
    await paired.lab.node.refresher.refresh("clinic.example")
    again = await ask(paired, query)
    assert not again.repeated


async def test_a_question_under_way_is_not_worked_on_twice(
    paired: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = question()
    with held_search(paired.clinic, monkeypatch) as gate:
        first = asyncio.create_task(ask(paired, query))
        await gate.reached_by(first)
        second = asyncio.create_task(ask(paired, query))
        await asyncio.sleep(0.1)
        gate.opened.set()
        said = await asyncio.gather(first, second)
    assert isinstance(said[0], AcceptedAnswer)
    assert [each.repeated for each in said] == [False, True]
    assert len(paired.clinic.leaves(Answered)) == 1


async def test_a_stored_answer_is_not_given_again_when_the_grant_shows_less(paired: Pair) -> None:
    query = question()
    await ask(paired, query)
    await paired.clinic.grant(grant("lab.example", granularity="ranks"))
    said = await ask(paired, query)
    assert (said.payload.problem.code, said.payload.problem.rule) == (
        "not-granted",
        "grant-changed",
    )
    assert paired.clinic.leaves(Denied)[-1].charged == 0


async def test_a_log_that_cannot_be_written_answers_nothing_and_charges_nothing(
    paired: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    from node.audit.errors import LogUnavailable

    await paired.lab.ask()
    log = paired.clinic.node.log
    with monkeypatch.context() as broken:

        def fail(_entry: Any) -> Any:
            future = asyncio.get_running_loop().create_future()
            future.set_exception(LogUnavailable("the disk is full"))
            return future

        broken.setattr(log, "submit", fail)
        result = await paired.lab.ask()
    assert result.results == ((),)
    assert (result.silos[0].state, result.silos[0].code) == ("denied", "unavailable")
    assert (await paired.lab.ask_one()).queries_left == 998


async def test_a_partner_that_hangs_up_is_still_charged_for_what_was_logged(
    paired: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    await paired.lab.ask()
    with held_search(paired.clinic, monkeypatch) as gate:
        asking = asyncio.create_task(paired.lab.ask())
        await gate.reached_by(asking)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await asyncio.sleep(0.1)
        gate.opened.set()
    left = (await paired.lab.ask_one()).queries_left
    assert left == 1000 - len(paired.clinic.leaves(Answered))
