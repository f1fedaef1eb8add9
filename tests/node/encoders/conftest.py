"""Encoders in a store of their own, and a server that embeds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node.encoders.registry import Encoders
from node.store.store import Store
from tests.node.collections.rooms import NOW
from tests.node.encoders.server import Server, serving


@pytest.fixture
async def encoders(tmp_path: Path) -> AsyncIterator[Encoders]:
    store = Store.open(tmp_path / "store.db")
    encoders = Encoders(store, lambda: NOW)
    yield encoders
    await encoders.close()
    store.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as server:
        yield server
