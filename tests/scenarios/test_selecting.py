"""Asking only the silos that are likely to answer: learnt from answers, visible, and no leaf."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from node.federation import likely, past_vectors
from node.federation.ask import AskResult
from node.ingest.record import Record
from node.operations.audit_content import ContentErased, EraseContent
from node.operations.registry import NoRequest
from node.operations.selection import AnswersForgotten, ForgetAnswers, SelectionShown
from protocol.exchange_leaves import Sent
from tests.scenarios.world import DOCS, Organisation, World, grant, only, pair, vector

TOPICS = {"archive.example": 0, "clinic.example": 5}
FEW = 2
"""Answers from which a silo counts as known here."""


def about(topic: int, other: int) -> list[Record]:
    """Five documents about a topic, and five that touch another as well.

    So no document is told of often enough to lose its score.
    """
    near = [vector(topic, 0.05 * n) for n in range(5)]
    touching = [0.98 * vector(topic, 0.8 + 0.05 * n) + 0.2 * vector(other) for n in range(5)]
    return [
        Record(
            id=f"{topic}-{n}",
            where=f"line {n}",
            text=f"text {n} about {topic}",
            vector=row / np.linalg.norm(row),
            labels=frozenset({"open"}),
        )
        for n, row in enumerate(near + touching)
    ]


async def asking(world: World) -> Organisation:
    """A lab with two partners, who know different topics, after one question about each."""
    lab = await world.organisation("lab.example", setting={"partners.explore": 0.0})
    for name, topic in TOPICS.items():
        partner = await world.organisation(name, about(topic, 5 - topic))
        await pair(lab, partner)
        await partner.grant(grant("lab.example"))
    first = await lab.ask(vectors=[vector(each).tolist() for each in (0, 5)], select=1, k=5)
    assert states(first) == dict.fromkeys(TOPICS, "ok")  # nobody is known, so everybody is asked
    assert first.left_out is None
    return lab


def states(result: AskResult) -> dict[str, str]:
    return {silo.organisation: silo.state for silo in result.silos}


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likely, "LEAST", FEW)
    monkeypatch.setattr(past_vectors, "LEAST", FEW)


async def test_the_likely_silo_alone_is_asked_and_the_rest_is_told_nothing(world: World) -> None:
    lab = await asking(world)
    for asked, left in (("archive.example", "clinic.example"), tuple(reversed(TOPICS))):
        before = len(lab.leaves(Sent)), _size(world, left)
        result = await lab.ask(TOPICS[asked], select=1, k=5)
        assert states(result) == {asked: "ok", left: "not-asked"}
        assert {hit.organisation for hits in result.results for hit in hits} == {asked}
        assert not result.partial
        status = only(result, left)
        assert (status.code, status.collection) == ("not-selected", DOCS)
        assert status.expected is not None
        assert status.expected.answers >= FEW
        assert 0.0 < (result.left_out or 0.0) < 0.5
        assert [leaf.peer for leaf in lab.leaves(Sent)[before[0] :]] == [asked]
        assert _size(world, left) == before[1]


async def test_everybody_is_asked_unless_fewer_are_wanted_and_what_was_learnt_is_forgotten(
    world: World,
) -> None:
    lab, everybody = await asking(world), dict.fromkeys(TOPICS, "ok")
    assert states(await lab.ask(0)) == everybody
    assert states(await lab.ask(0, select=0)) == everybody
    named = await lab.ask(0, select=1, collections=[f"clinic.example/{DOCS}"])
    assert states(named) == {"clinic.example": "ok"}
    shown = await lab.do("selection.show", NoRequest(), SelectionShown)
    assert {each.organisation: each.answers for each in shown.silos} == dict.fromkeys(TOPICS, FEW)
    forgotten = ForgetAnswers(organisation="clinic.example")
    await lab.do("selection.forget", forgotten, AnswersForgotten)
    result = await lab.ask(0, select=1, k=5)
    assert states(result) == everybody  # the clinic is unknown again
    assert only(result, "clinic.example").expected is None

    erase = EraseContent(peer="archive.example", dry_run=True)
    counted = await lab.do("audit.erase", erase, ContentErased)
    assert counted.vectors == FEW + 1
    erase = erase.model_copy(update={"dry_run": False})
    with closing(sqlite3.connect(lab.node.data.selection_file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM past_questions").fetchone()
        done = await lab.do("audit.erase", erase, ContentErased)
        assert (done.state, done.vectors) == ("pending", FEW + 1)
        assert "selection.db" in (done.waits or "")
        assert "erasure-pending" in await lab.findings()
    lab.node.past_answers.flush()  # as it does every few seconds
    assert "erasure-pending" not in await lab.findings()
    assert (await lab.do("audit.erase", erase, ContentErased)).state == "nothing"
    assert (await lab.do("selection.show", NoRequest(), SelectionShown)).silos == ()


def _size(world: World, name: str) -> int:
    (partner,) = [each for each in world.organisations if each.name == name]
    return partner.node.log.size()
