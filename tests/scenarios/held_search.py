"""A question that is held at its search, so that something else can happen meanwhile."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.scenarios.world import DOCS, Organisation


class Gate:
    """Holds a search until it is opened."""

    def __init__(self) -> None:
        self._reached = asyncio.Event()
        self.opened = asyncio.Event()

    async def reached_by(self, question: asyncio.Task[Any]) -> None:
        """Wait until the question is at its search; fails where it ended before."""
        reached = asyncio.create_task(self._reached.wait())
        await asyncio.wait({question, reached}, return_when=asyncio.FIRST_COMPLETED)
        reached.cancel()
        assert self._reached.is_set(), f"it never came to its search: {question}"

    async def hold(self) -> None:
        """Say that a search is here, and keep it."""
        self._reached.set()
        await self.opened.wait()


@contextmanager
def held_search(clinic: Organisation, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Let questions come as far as their search, and wait there."""
    gate, version = Gate(), clinic.node.collections.get(DOCS).serving
    search = version.search

    async def wait(*arguments: Any) -> Any:
        await gate.hold()
        return await search(*arguments)

    with monkeypatch.context() as held:
        held.setattr(version, "search", wait)
        yield gate
