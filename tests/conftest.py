"""Nodes for tests: real ones, in a fresh directory, on ports that the system chooses."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
import structlog
from hypothesis import HealthCheck, settings

from node.clock import system_clock
from node.config import Settings
from node.config_file import commented
from node.config_reading import parse_settings
from node.creation import create_node
from node.data_directory import DataDirectory
from node.listeners.addresses import Listeners
from node.passphrase import Passphrase
from node.serve import serve

# no test asserts a time: on a busy machine a step of hypothesis takes longer than it allows
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

NONE: Mapping[str, Any] = {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave tests that take minutes to those who ask for them, and say so."""
    if "slow" not in config.getoption("markexpr"):
        reason = "takes minutes: make test-slow, or pytest -m slow"
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason=reason))


PORTS = {"federation.port": 0, "local_api.port": 0, "admin.port": 0}


@dataclass(frozen=True)
class NewNode:
    """A node that was just made and is stopped."""

    data: DataDirectory
    settings: Settings
    fingerprint: str

    @property
    def path(self) -> Path:
        """Its data directory."""
        return self.data.path


class MakeNode(Protocol):
    """A function that makes nodes."""

    def __call__(
        self,
        organisation: str = ...,
        setting: Mapping[str, Any] = ...,
        *,
        passphrase: bytes | None = ...,
    ) -> NewNode:
        """Make one; `setting` by dotted name."""


Serving = Callable[[NewNode], AbstractAsyncContextManager[Listeners]]


@pytest.fixture(autouse=True)
def _log_lines_go_to_the_captured_log() -> None:
    """Not to standard output, which belongs to the verbs; whatever an earlier test configured."""
    structlog.reset_defaults()
    structlog.configure(
        processors=[structlog.stdlib.render_to_log_kwargs],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    logging.getLogger().setLevel(logging.WARNING)


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A developer's own variables and node play no part."""
    for name in ("DATA", "PASSPHRASE", "PASSPHRASE_FILE", "HSM_PIN", "HSM_PIN_FILE", "DEBUG"):
        monkeypatch.delenv(f"INTERLINGUA_{name}", raising=False)
    for name in ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))


@pytest.fixture
def make_node(tmp_path: Path) -> MakeNode:
    """Makes a new node below `tmp_path`, its three ports chosen by the system."""

    def make(
        organisation: str = "clinic.example",
        setting: Mapping[str, Any] = NONE,
        *,
        passphrase: bytes | None = None,
    ) -> NewNode:
        data = DataDirectory(tmp_path / organisation)
        chosen = {
            "organisation": organisation,
            "url": "http://127.0.0.1:8440",
            **PORTS,
            **setting,
        }
        text = commented(chosen)
        settings = parse_settings(text, "interlingua.toml", environ={})
        words = create_node(data, settings, text, passphrase, system_clock())
        return NewNode(data, settings, " ".join(words))

    return make


@pytest.fixture
def new_node(make_node: MakeNode) -> NewNode:
    """One new node, stopped."""
    return make_node()


@pytest.fixture
def serving() -> Serving:
    """A context in this process in which a node serves; gives its listeners."""

    @asynccontextmanager
    async def run(new: NewNode) -> AsyncIterator[Listeners]:
        stop = asyncio.Event()
        up: asyncio.Future[Listeners] = asyncio.get_running_loop().create_future()

        async def until_stopped() -> None:
            try:
                await serve(new.data, new.settings, Passphrase(), started=up.set_result, stop=stop)
            except BaseException as error:
                if up.done():
                    raise
                up.set_exception(error)  # why it did not start

        task = asyncio.create_task(until_stopped())
        try:
            yield await up
        finally:
            stop.set()
            await task

    return run
