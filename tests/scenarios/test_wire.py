"""Whoever sits on the wire can stop an exchange; not change, repeat or redirect one."""

from dataclasses import replace

import pytest

from protocol.leaf import Answered, Denied, Received, Refused, Unanswered
from tests.scenarios.conftest import Watched
from tests.scenarios.middleman import Message, on_query
from tests.scenarios.world import documents, grant, pair


def flip(body: bytes, at: int) -> bytes:
    """The body with one bit changed; counted from the end where `at` is negative."""
    changed = bytearray(body)
    changed[at] ^= 1
    return bytes(changed)


async def test_an_exchange_through_an_honest_wire_works(watched: Watched) -> None:
    assert (await watched.lab.ask_one()).state == "ok"


async def test_a_replayed_question_is_refused_and_counted(watched: Watched) -> None:
    await watched.lab.ask()
    (question,) = watched.between.queries()
    again = await watched.between.send(question)
    assert again.status == 409
    assert b"replayed" in again.body
    assert len(watched.clinic.leaves(Answered)) == 1
    await watched.clinic.node.responder.flush(everything=True)
    (counted,) = watched.clinic.leaves(Refused)
    assert (counted.peer, dict(counted.counts)) == ("lab.example", {"replayed": 1})


async def test_a_question_is_not_replayed_after_a_restart_either(watched: Watched) -> None:
    await watched.lab.ask()
    (question,) = watched.between.queries()
    await watched.clinic.stop()
    await watched.world.serve(watched.clinic.node.data)
    assert (await watched.between.send(question)).status == 409


async def test_an_old_question_is_refused(watched: Watched) -> None:
    await watched.lab.ask()
    (question,) = watched.between.queries()
    watched.world.time.offset += 200
    again = await watched.between.send(question)
    assert again.status == 400
    assert b"outside-time-window" in again.body


async def test_a_question_for_one_node_is_refused_by_another(watched: Watched) -> None:
    rival = await watched.world.organisation("rival.example", documents("rival"))
    await pair(rival, watched.lab)
    await rival.grant(grant("lab.example"))
    await watched.lab.ask(peers=["clinic.example"])
    (question,) = watched.between.queries()
    for host in (question.header("Host"), rival.url.partition("://")[2]):
        relayed = question.with_header("Host", host)
        refused = await watched.between.send(relayed, rival.url)
        assert refused.status == 401
    readdressed = question.with_header("Interlingua-To", "rival.example").with_header(
        "Host", rival.url.partition("://")[2]
    )
    assert (await watched.between.send(readdressed, rival.url)).status == 401
    assert not rival.leaves(Answered)
    assert not rival.leaves(Denied)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: replace(m, body=flip(m.body, 40)),
        lambda m: replace(m, body=m.body[:-1] + b" }"),
        lambda m: replace(m, body=m.body[:-20]),
        lambda m: m.with_header("Interlingua-From", "rival.example"),
        lambda m: m.with_header("Interlingua-To", "rival.example"),
        lambda m: m.with_header("Host", "elsewhere.example"),
        lambda m: m.with_header("Content-Type", "application/json; charset=utf-8"),
        lambda m: m.with_header("Signature", m.header("Signature").replace("q=:", "q=:A", 1)),
        lambda m: m.with_header(
            "Signature-Input", m.header("Signature-Input").replace("created=1", "created=2")
        ),
        lambda m: replace(m, headers=(*m.headers, (b"Content-Digest", b"sha-256=:AAAA:"))),
        lambda m: replace(m, headers=(*m.headers, (b"Content-Encoding", b"gzip"))),
        lambda m: replace(m, line=m.line + "?k=1000"),
    ],
    ids=[
        "bit of the body", "space in the body", "cut body", "other sender", "other receiver",
        "other authority", "other type", "other signature", "other time", "second digest",
        "encoding", "query string",
    ],
)  # fmt: skip
async def test_a_question_that_was_changed_on_its_way_is_refused(
    watched: Watched, change: object
) -> None:
    await watched.lab.ask()
    before = len(watched.clinic.leaves(Answered))
    watched.between.on_request = on_query(change)  # type: ignore[arg-type]  # lambdas of the table
    status = await watched.lab.ask_one()
    assert status.state == "unverifiable"
    assert len(watched.clinic.leaves(Answered)) == before
    assert watched.clinic.leaves(Denied) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda m: replace(m, body=flip(m.body, 60)),
        lambda m: replace(m, body=flip(m.body, -30)),
        lambda m: replace(m, body=m.body.replace(b'"bin":19', b'"bin":18', 1)),
        lambda m: replace(m, body=m.body[:-10]),
        lambda m: replace(m, status=201),
        lambda m: m.with_header("Content-Type", "application/problem+json"),
        lambda m: m.with_header("Signature", m.header("Signature").replace("a=:", "a=:B", 1)),
        lambda m: replace(
            m, headers=tuple(h for h in m.headers if not h[0].lower().startswith(b"signature"))
        ),
        lambda m: replace(m, headers=(*m.headers, (b"Signature", b"b=:AAAA:"))),
        lambda m: replace(m, status=302, headers=((b"Location", b"http://127.0.0.1:1/"),)),
    ],
    ids=[
        "bit of the payload", "bit of the proof", "other bin", "cut", "other status",
        "other type", "other signature", "unsigned", "second signature", "redirect",
    ],
)  # fmt: skip
async def test_an_answer_that_was_changed_on_its_way_is_never_shown(
    watched: Watched, change: object
) -> None:
    await watched.lab.ask()  # so that the offers are known
    shown = len(watched.lab.leaves(Received))

    async def tamper(message: Message) -> Message:
        return change(message)  # type: ignore[operator,no-any-return]  # lambdas of the table

    watched.between.on_answer = tamper
    result = await watched.lab.ask()
    assert result.results == ((),)
    assert result.silos[0].state == "unverifiable"
    assert len(watched.lab.leaves(Received)) == shown
    assert watched.lab.leaves(Unanswered)[-1].reason.startswith("unverifiable")


async def test_an_earlier_answer_to_the_same_words_is_not_an_answer(watched: Watched) -> None:
    await watched.lab.ask()
    stale = watched.between.answers[-1]

    async def swap(_message: Message) -> Message:
        return stale

    watched.between.on_answer = swap
    status = await watched.lab.ask_one()
    assert (status.state, status.code) == ("unverifiable", "signature")
