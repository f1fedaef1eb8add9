"""The admin socket: owner only, progress while it works, cancelled when the caller goes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import BaseModel

from node.cli.admin_client import NobodyListens, call
from node.data_directory import DataDirectory
from node.node import Node
from node.operations import catalogue
from node.operations.errors import InvalidRequest, NotFound, OperationError
from node.operations.registry import NoRequest, Progress, operation, silent
from node.operations.tokens import CreateToken
from tests.conftest import NewNode, Serving

CALLERS = ThreadPoolExecutor(16)
CANCELLED = asyncio.Event()


class Steps(BaseModel, extra="forbid"):
    count: int


class Done(BaseModel):
    organisation: str


@operation("probe.steps")
async def steps(node: Node, request: Steps, progress: Progress) -> Done:
    """Take some steps."""
    for number in range(request.count):
        await asyncio.to_thread(progress, number + 1, request.count, "steps")
        await asyncio.sleep(0.15)
    return Done(organisation=node.settings.organisation)


@operation("probe.wait")
async def wait(node: Node, request: NoRequest, progress: Progress) -> Done:
    """Wait until cancelled."""
    del node, request
    try:
        while True:
            progress(1, None, "waiting")
            await asyncio.sleep(0.05)
    except asyncio.CancelledError:
        CANCELLED.set()
        raise


@operation("probe.fail")
async def fail(node: Node, request: NoRequest, progress: Progress) -> Done:
    """Fail unexpectedly."""
    del node, request, progress
    raise RuntimeError("canary-content")


@pytest.fixture(autouse=True)
def _probe_group() -> Iterator[None]:
    catalogue.MODULES["probe"] = __name__
    CANCELLED.clear()
    yield
    del catalogue.MODULES["probe"]


async def called(
    data: DataDirectory, name: str, request: BaseModel, progress: Progress = silent
) -> dict[str, object]:
    # threads of their own: the node in this process needs the loop's
    return await asyncio.get_running_loop().run_in_executor(
        CALLERS, call, data.admin_socket, name, request, progress
    )


async def test_progress_comes_before_the_result(new_node: NewNode, serving: Serving) -> None:
    seen: list[tuple[int, int | None, str]] = []
    async with serving(new_node):
        answer = await called(
            new_node.data, "probe.steps", Steps(count=3), lambda *step: seen.append(step)
        )
    assert answer == {"organisation": "clinic.example"}
    assert seen
    assert all(total == 3 and what == "steps" for _, total, what in seen)
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)


async def test_only_the_owner_may_connect(new_node: NewNode, serving: Serving) -> None:
    async with serving(new_node):
        assert new_node.data.admin_socket.stat().st_mode & 0o777 == 0o600
    assert not new_node.data.admin_socket.exists()


async def test_hanging_up_cancels_the_operation(new_node: NewNode, serving: Serving) -> None:
    def hang_up(done: int, total: int | None, what: str) -> None:
        del done, total, what
        raise KeyboardInterrupt

    async with serving(new_node):
        with pytest.raises(KeyboardInterrupt):
            await asyncio.to_thread(_interrupted, new_node.data, hang_up)
        await asyncio.wait_for(CANCELLED.wait(), 5)


def _interrupted(data: DataDirectory, progress: Progress) -> None:
    """Ctrl-C in the caller, kept from ending the test's own thread pool."""
    call(data.admin_socket, "probe.wait", NoRequest(), progress)


async def test_an_operations_error_arrives_as_itself(new_node: NewNode, serving: Serving) -> None:
    async with serving(new_node):
        with pytest.raises(NotFound) as refused:
            await called(new_node.data, "probe.nothing", NoRequest())
        assert refused.value.code == "unknown-operation"
        with pytest.raises(InvalidRequest, match="count"):
            await called(new_node.data, "probe.steps", NoRequest())


async def test_an_unexpected_error_keeps_its_words_to_itself(
    new_node: NewNode, serving: Serving
) -> None:
    async with serving(new_node):
        with pytest.raises(OperationError) as failed:
            await called(new_node.data, "probe.fail", NoRequest())
    assert failed.value.code == "unexpected"
    assert "canary-content" not in failed.value.cause


async def test_many_operations_run_at_once(new_node: NewNode, serving: Serving) -> None:
    async with serving(new_node):
        answers = await asyncio.gather(
            *(called(new_node.data, "probe.steps", Steps(count=1)) for _ in range(8)),
            *(
                called(new_node.data, "token.create", CreateToken(name=f"holder-{number}"))
                for number in range(8)
            ),
        )
    assert len({answer.get("token") for answer in answers[8:]}) == 8


async def test_nobody_listens_on_a_stopped_node(new_node: NewNode) -> None:
    with pytest.raises(NobodyListens):
        await called(new_node.data, "token.list", NoRequest())
    new_node.data.admin_socket.touch()
    with pytest.raises(NobodyListens):
        await called(new_node.data, "token.list", NoRequest())


async def test_a_socket_left_by_a_killed_node_is_replaced(
    new_node: NewNode, serving: Serving
) -> None:
    new_node.data.admin_socket.touch()
    async with serving(new_node):
        assert await called(new_node.data, "token.list", NoRequest()) == {"tokens": []}
