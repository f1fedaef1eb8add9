"""kill -9 of a node that answers or asks: what left it is in its log, and in the other's."""

import asyncio
import signal
from asyncio import FIRST_COMPLETED
from pathlib import Path

import pytest

from node.cli.admin_client import NobodyListens, call
from node.data_directory import DataDirectory
from node.federation.ask import AskRequest
from node.operations.errors import Unavailable
from node.operations.registry import silent
from protocol.leaf import Answered, Received, Sent, Unanswered
from tests.scenarios.conftest import Watched
from tests.scenarios.killing import Killing
from tests.scenarios.middleman import Message, forever, unchanged
from tests.scenarios.serving import serving
from tests.scenarios.world import PURPOSE, World, vector


async def test_every_answer_that_left_a_killed_node_has_its_leaf_on_both_sides(
    world: World, tmp_path: Path
) -> None:
    killing = await Killing.begun(world)
    for after_s in (0.0, 0.3):
        await killing.kill_under_load(after_s)
    again, joined = await killing.end(tmp_path)
    lab = killing.lab
    received = lab.leaves(Received)
    assert killing.shown > 0
    assert joined.agreed >= killing.shown
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
