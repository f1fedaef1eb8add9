"""What was asked and answered is read by its own auditors, and erased; what was proved stays."""

import json
from pathlib import Path
from typing import Any

import pytest

from node.federation.actors import Actors, committed
from node.operations.audit import verify_directory
from node.operations.audit_content import (
    ContentErased,
    EraseContent,
    ReadContent,
    ShownContent,
    why_not,
)
from node.operations.errors import NotFound
from node.operations.registry import silent
from protocol.leaf import Answered, AuditRead, Denied, Erased, Received, Repeated, Sent
from tests.scenarios.conftest import Pair
from tests.scenarios.test_budgets import ask, question
from tests.scenarios.world import Organisation, World, documents, grant, pair


async def paired_that_keep(world: World) -> Pair:
    lab = await world.organisation("lab.example")
    kept = {"content.answered_days": 1}
    clinic = await world.organisation("clinic.example", documents("clinic"), setting=kept)
    await pair(lab, clinic)
    await clinic.grant(grant("lab.example"))
    return Pair(world, lab, clinic)


def index_of(one: Organisation, kind: type, last: bool = True) -> int:
    found = [n for n, leaf in enumerate(one.all_leaves()) if isinstance(leaf, kind)]
    return found[-1 if last else 0]


async def read(one: Organisation, index: int) -> ShownContent:
    return await one.do("audit.content", ReadContent(index=index), ShownContent)


async def erase(one: Organisation, **fields: Any) -> ContentErased:
    return await one.do("audit.erase", EraseContent(**fields), ContentErased)


def whole(one: Organisation) -> bool:
    return verify_directory(one.node.data.path, None, silent).verdict == "SELF-SIGNED"


def every_byte(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_auditors_read_what_is_kept_until_it_is_erased(world: World) -> None:
    paired = await paired_that_keep(world)
    lab, clinic = paired.lab, paired.clinic
    query = question()
    said: Any = await ask(paired, query)
    sent, received = index_of(lab, Sent), index_of(lab, Received)
    answered = index_of(clinic, Answered)

    there = await read(clinic, answered)
    assert there.question == query.encode().decode()
    assert there.answer == said.payload_line.decode()
    assert (await read(lab, sent)).question == there.question
    assert (await read(lab, received)).answer == there.answer
    noted = lab.leaves(AuditRead)[-1]
    assert (noted.by, noted.reading, noted.leaf) == ("operator", "content", received)
    for one in (lab, clinic):  # sealed: neither question nor answer is readable on a disk
        stored = every_byte(one.node.data.path)
        assert query.salt.encode() not in stored
        assert said.payload_line not in stored

    assert isinstance((await ask(paired, query)).leaf, Repeated)
    assert (await erase(clinic, peer="lab.example", dry_run=True)).records == {"answered": 1}
    assert clinic.leaves(Erased) == []
    done = await erase(clinic, peer="lab.example")
    assert (done.state, done.records) == ("erased", {"answered": 1})
    with pytest.raises(NotFound, match=rf"leaf {done.leaves[0]} says that it was erased"):
        await read(clinic, answered)
    said_first = why_not(clinic.node, answered)
    assert why_not(clinic.node, answered, ("actor",)) != said_first  # of these it says nothing
    refused = await ask(paired, query)
    assert refused.payload.problem.code == "answer-erased"
    assert clinic.leaves(Denied)[-1].reason == "answer-erased"
    assert (await lab.ask_one()).state == "ok"

    done = await erase(lab, leaves=(sent,))  # with all that was sent and received of this question
    assert done.records == {"asked": 5}
    assert (await erase(lab, leaves=(received,))).state == "nothing"
    assert whole(lab)
    assert whole(clinic)


async def test_a_subject_is_erased_by_the_commitment_that_both_logs_hold(world: World) -> None:
    paired = await paired_that_keep(world)
    lab, clinic = paired.lab, paired.clinic
    await lab.ask()
    await lab.ask()
    first, other = lab.leaves(Sent)
    index = index_of(lab, Sent, last=False)
    (opener,) = (
        each
        for each in lab.node.contents.read(index, lab.node.log.receipt(index).leaf)
        if each.kind == "actor"
    )
    opening = Actors(lab.node.identity.master()).opening(opener.question.decode())
    assert committed(opening, "operator") == first.actor
    # what the partner was sent must not bring back what will be erased here
    sent = json.loads((await read(lab, index)).question or "")
    from_the_partner = Actors(lab.node.identity.master()).opening(sent["id"])
    assert committed(from_the_partner, "operator") != first.actor
    assert opener.question.decode() not in json.dumps(sent)

    assert first.actor is not None
    assert other.actor is not None
    both = (first.actor, other.actor)  # at the clinic, two in one erasure
    for one, meant, records in (
        (lab, both[:1], {"asked": 2, "actor": 1}),
        (clinic, both, {"answered": 2}),
    ):
        done = await erase(one, subjects=meant)
        assert (done.state, done.records) == ("erased", records)
        (leaf,) = one.leaves(Erased)
        assert leaf.basis == "subject"
    assert json.loads((await read(lab, index_of(lab, Sent))).question or "")["actor"] == other.actor
    assert (await erase(lab, asker="my-app")).state == "nothing"
    assert (await erase(lab, asker="operator")).records == {"asked": 2, "actor": 1}
    await lab.node.retention.run()
    assert lab.node.retention.ran is not None
    assert whole(lab)
