"""The open node: every room opened once, in order, and closed in reverse. Wiring only.

Whoever opens it holds the data directory's lock. The command line opens it without listeners; the
running node adds them (`node/serve.py`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from node.clock import Clock, system_clock
from node.tokens import Tokens

if TYPE_CHECKING:
    from node.config import Settings
    from node.data_directory import DataDirectory
    from node.passphrase import Passphrase


class Node:
    """One organisation's node with its rooms.

    Attributes:
        settings: the configuration.
        data: the data directory, locked by this process.
        clock: epoch seconds UTC.
        passphrase: source of the key files' passphrase.
        tokens: local callers.
    """

    def __init__(
        self, data: DataDirectory, settings: Settings, passphrase: Passphrase, clock: Clock
    ) -> None:
        self.data = data
        self.settings = settings
        self.passphrase = passphrase
        self.clock = clock
        self.tokens = Tokens(data.tokens_file)

    @classmethod
    @asynccontextmanager
    async def opened(
        cls,
        data: DataDirectory,
        settings: Settings,
        *,
        passphrase: Passphrase,
        clock: Clock = system_clock,
    ) -> AsyncIterator[Node]:
        """Open all rooms; the caller holds `data.lock()`. Closes them on leaving."""
        node = cls(data, settings, passphrase, clock)
        yield node
