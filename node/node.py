"""The open node: every room opened once, in order, and closed in reverse. Wiring only.

Whoever opens it holds the data directory's lock. The command line opens it without listeners; the
running node adds them (`node/serve.py`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from node.background import Periodic
from node.card_keeper import CardKeeper, Offered
from node.clock import Clock, system_clock
from node.identity import Identity
from node.tokens import Tokens

if TYPE_CHECKING:
    from node.config import Settings
    from node.data_directory import DataDirectory
    from node.passphrase import Passphrase

CARD_CHECK_S = 60.0


class Node:
    """One organisation's node with its rooms.

    Attributes:
        settings: the configuration.
        data: the data directory, locked by this process.
        clock: epoch seconds UTC.
        passphrase: source of the key files' passphrase.
        tokens: local callers.
        identity: keys and root document.
        card: the card, always current.
        serving: whether listeners are up in this process.
        periodic: work that a running node repeats; rooms append theirs when wired.
    """

    def __init__(
        self, data: DataDirectory, settings: Settings, passphrase: Passphrase, clock: Clock
    ) -> None:
        self.data = data
        self.settings = settings
        self.passphrase = passphrase
        self.clock = clock
        self.tokens = Tokens(data.tokens_file)
        self.identity = Identity.open(data, settings, passphrase, clock)
        self.card = CardKeeper(self.identity, self.log_origin, data.card_file, self._offered, clock)
        self.serving = False
        self.periodic = [Periodic("card", CARD_CHECK_S, self.renew)]

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

    @property
    def log_origin(self) -> str:
        """The audit log's name on checkpoints (C2SP tlog-checkpoint origin)."""
        return f"{self.settings.organisation}/interlingua"

    def _offered(self) -> Offered:
        """What the card says: spaces of collections and shared spaces, and routes."""
        return Offered(spaces=(), routes=())

    async def renew(self) -> None:
        """Keep root document and card valid."""
        if self.identity.has_root_key and self.identity.renewal_due():
            self.identity.renew_root()
        self.card.current()
