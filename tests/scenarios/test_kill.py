"""kill -9 of a node that answers or asks: what left it is in its log, and in the other's."""

import asyncio
import os
import signal
import sys
from asyncio import FIRST_COMPLETED
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from node.cli.admin_client import NobodyListens, call
from node.data_directory import DataDirectory
from node.federation.ask import AskRequest
from node.federation.errors import FederationError
from node.operations.errors import Unavailable
from node.operations.registry import silent
from protocol.leaf import Answered, Received, Sent, Unanswered
from tests.scenarios.conftest import Watched
from tests.scenarios.middleman import Message, forever, unchanged
from tests.scenarios.world import PURPOSE, Organisation, World, documents, grant, pair, vector

ASKERS = 8


@asynccontextmanager
async def serving(data: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A node in a process of its own, as `interlingua serve` runs it; killed at the end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "node.cli.main", "serve", "--data", str(data)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "INTERLINGUA_LOCAL_API__PORT": "0", "INTERLINGUA_ADMIN__PORT": "0"},
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def until_it_answers(lab: Organisation) -> None:
    for _ in range(600):
        if (await lab.ask_one()).state == "ok":
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the node did not come up")


@pytest.mark.parametrize("after_s", [0.0, 0.15, 0.4])
async def test_every_answer_that_left_a_killed_node_has_its_leaf_on_both_sides(
    world: World, after_s: float
) -> None:
    lab = await world.organisation("lab.example")
    clinic = await world.organisation("clinic.example", documents("clinic"))
    await pair(lab, clinic)
    await clinic.grant(grant("lab.example", rate=100_000, queries_per_day=100_000))
    data = clinic.node.data.path
    await clinic.stop()

    async with serving(data) as process:
        await until_it_answers(lab)
        busy = asyncio.Event()
        asking = [asyncio.create_task(ask_until_it_fails(lab, busy)) for _ in range(ASKERS)]
        await busy.wait()
        await asyncio.sleep(after_s)
        process.send_signal(signal.SIGKILL)
        shown = sum(await asyncio.gather(*asking))

    again = await world.serve(DataDirectory(data))
    received = lab.leaves(Received)
    logged = again.all_leaves()
    assert shown > 0
    for leaf in received:
        assert leaf.receipt is not None
        assert logged[leaf.receipt.index].answer == leaf.answer  # type: ignore[union-attr]  # an answer's leaf
    # nothing is spent twice or lost: the counter is the sum of the leaves
    day = {leaf.at // 86_400 for leaf in again.leaves(Answered)}
    spent = sum(again.node.log.spent("lab.example", "docs", each) for each in day)
    assert spent == sum(leaf.charged for leaf in again.leaves(Answered))
    epochs = {leaf.epoch for leaf in again.leaves(Answered)}
    told = [again.node.log.exposed("lab.example", "docs", each or 0) for each in epochs]
    counted = sum(sum(each.values()) for each in told)
    assert counted == sum(leaf.exposed or 0 for leaf in again.leaves(Answered)) > 0
    # and every question of the asker ended one way or the other
    asked = {leaf.query for leaf in lab.leaves(Sent)}
    ended = {leaf.query for leaf in (*received, *lab.leaves(Unanswered))}
    assert asked <= ended
    assert (await lab.ask_one()).state == "ok"


async def ask_until_it_fails(lab: Organisation, busy: asyncio.Event) -> int:
    """Ask until the node is gone; return how many answers were shown."""
    shown = 0
    while True:
        try:
            result = await lab.ask(deadline_s=2.0)
        except FederationError:
            return shown
        if result.silos[0].state != "ok":
            return shown
        shown += 1
        busy.set()


async def ask_over_its_socket(data: DataDirectory, question: AskRequest) -> None:
    """Ask as the command line does, once the node is up."""
    for _ in range(600):
        try:
            await asyncio.to_thread(call, data.admin_socket, "query", question, silent)
            return
        except NobodyListens:
            await asyncio.sleep(0.1)
    raise AssertionError("the node did not come up")


async def test_a_question_whose_asker_was_killed_ends_when_the_asker_is_back(
    watched: Watched,
) -> None:
    question = AskRequest(vectors=[vector(0).tolist()], purpose=PURPOSE, own=False, deadline_s=60)
    left = asyncio.Event()

    async def hang(message: Message) -> Message:
        if message.line != "/federation/v1/query":
            return message
        left.set()
        return await forever(message)

    watched.between.on_request = hang
    lab = watched.lab.node.data
    await watched.lab.stop()
    async with serving(lab.path) as process:
        asking = asyncio.create_task(ask_over_its_socket(lab, question))
        await asyncio.wait({asking, asyncio.create_task(left.wait())}, return_when=FIRST_COMPLETED)
        process.send_signal(signal.SIGKILL)
        with pytest.raises(Unavailable):
            await asking

    again = await watched.world.serve(lab)
    (sent,) = again.leaves(Sent)
    ended = again.leaves(Unanswered)
    assert [(leaf.peer, leaf.query, leaf.reason) for leaf in ended] == [
        ("clinic.example", sent.query, "interrupted")
    ]
    # once only, and nothing that ended otherwise is touched
    watched.between.on_request = unchanged
    assert (await again.ask_one()).state == "ok"
    await again.stop()
    later = await watched.world.serve(lab)
    assert later.leaves(Unanswered) == ended
