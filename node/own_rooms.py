"""What an open node has of its own: documents, log, kept content, policy, spaces, references.

The rule of this file: each room is opened once, at its first use, and closed in reverse. Wiring
only; what speaks to partners and what starts a node are in node/node.py.
"""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import TYPE_CHECKING

from node.audit.origin import stated_origin
from node.background import Periodic
from node.identity import Identity

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from adapters.corrected import Yardstick
    from node.audit.log import AuditLog
    from node.audit.readings import Readings
    from node.clock import Clock
    from node.collections.registry import Collections
    from node.config import Settings
    from node.content.content import Kind
    from node.content.contents import Contents
    from node.content.erasing import Erasures
    from node.content.retention import Retention
    from node.data_directory import DataDirectory
    from node.encoders.registry import Encoders
    from node.federation.ledgers import Ledgers
    from node.federation.owed import Owed
    from node.federation.past_answers import PastAnswers
    from node.federation.peers import PeerBook
    from node.federation.references import References
    from node.federation.routing import Routes
    from node.passphrase import Passphrase
    from node.policy.book import PolicyBook
    from node.spaces.spaces import Spaces
    from node.store.store import Store


MOST_ASKED = 10_000
"""Documents that a new version gets first."""


class OwnRooms:
    """The rooms that know of no connection to a partner.

    Attributes:
        settings: the configuration.
        data: the data directory, locked by this process.
        clock: epoch seconds UTC.
        passphrase: source of the key files' passphrase.
        identity: keys and root document.
        periodic: work that a running node repeats.
    """

    def __init__(
        self,
        data: DataDirectory,
        settings: Settings,
        passphrase: Passphrase,
        clock: Clock,
        closing: AsyncExitStack,
    ) -> None:
        self.data = data
        self.settings = settings
        self.passphrase = passphrase
        self.clock = clock
        self.identity = Identity.open(data, settings, passphrase, clock)
        self.periodic: list[Periodic] = []
        self._closing = closing

    @cached_property
    def store(self) -> Store:
        """store.db: documents, vectors, encoders."""
        from node.store.store import Store

        store = Store.open(self.data.store_file)
        self._closing.callback(store.close)
        return store

    @cached_property
    def log(self) -> AuditLog:
        """The audit log; LogHeld while a restored node is not settled."""
        from node.audit.errors import LogHeld
        from node.audit.log import AuditLog
        from node.backup.marker import holds_log
        from node.log_succession import own_log_keys

        if holds_log(self.data.mark_file):
            raise LogHeld("This node was restored and has not compared itself with its partners.")

        signer, own = self.identity.signer("log"), own_log_keys(self.identity)
        self._closing.callback(self.contents.close)  # after the log, which hands over to it
        log = AuditLog.open(
            self.data.log_file,
            signer,
            self.log_origin,
            self.clock,
            own=own,
            contents=self.contents,
        )
        self._closing.push_async_callback(log.close)
        return log

    @cached_property
    def readings(self) -> Readings:
        """Readings of the audit log by tokens."""
        from node.audit.readings import Readings

        return Readings(self.log, self.clock)

    @cached_property
    def contents(self) -> Contents:
        """What exchanges said, kept beside the log; the log closes it."""
        from node.content.contents import ContentFiles, Contents

        data, days = self.data, self._days_kept()
        files = ContentFiles(data.content_keys_file, data.content_file, data.log_file)
        kept = frozenset(kind for kind, count in days.items() if count)
        return Contents(files, self.identity.files.content, kept)

    @cached_property
    def erasures(self) -> Erasures:
        """What erases it."""
        from node.content.erasing import Erasures

        return Erasures(self.contents, self.log, self.clock)

    @cached_property
    def retention(self) -> Retention:
        """The rules by age under which it is erased."""
        from node.content.retention import EVERY_S, Retention

        retention = Retention(self.contents, self.erasures, self._days_kept(), self.clock)
        self.periodic.append(Periodic("retention", EVERY_S, retention.run))
        return retention

    def _days_kept(self) -> dict[Kind, int]:
        days = self.settings.content
        return {
            "asked": days.asked_days,
            "answered": days.answered_days,
            "actor": days.actors_days,
            "question": days.questions_days,
        }

    @cached_property
    def encoders(self) -> Encoders:
        """Encoders by name."""
        from node.encoders.live import LOOK_EVERY_S
        from node.encoders.registry import Encoders

        encoders = Encoders(self.store, self.clock)
        self._closing.push_async_callback(encoders.close)
        self.periodic.append(Periodic("encoders", LOOK_EVERY_S, encoders.look))
        return encoders

    @cached_property
    def collections(self) -> Collections:
        """Collections by name."""
        from node.collections.registry import Collections
        from node.index.settings import IndexSettings
        from node.ingest.sources import SourceRules

        collections = Collections(
            self.store,
            self.data.indexes,
            self.encoders,
            IndexSettings(**self.settings.index.model_dump(exclude_none=True)),
            self.clock,
            self._yardsticks,
            self._most_asked,
            SourceRules(**self.settings.sources.model_dump()),
        )
        self._closing.push_async_callback(collections.close)
        return collections

    @cached_property
    def policy(self) -> PolicyBook:
        """The grants in force."""
        from node.policy.book import PolicyBook

        return PolicyBook.open(self.data.policy_file)

    @cached_property
    def spaces(self) -> Spaces:
        """Shared spaces that this node has joined."""
        from node.spaces.spaces import Spaces

        return Spaces.open(self.data.spaces, self.data.adapters)

    @property
    def routes(self) -> Routes:
        """Ways between spaces."""
        return self.spaces

    @cached_property
    def references(self) -> References:
        """Names of records for partners."""
        from node.federation.references import References

        return References(self.identity.master())

    @cached_property
    def ledgers(self) -> Ledgers:
        """What each partner has used of its grants."""
        from node.federation.ledgers import Ledgers

        return Ledgers(self.log)

    @cached_property
    def peers(self) -> PeerBook:
        """Partners with their pinned roots, states and cards."""
        from node.federation.peers import PeerBook

        return PeerBook.open(self.data.peers)

    @cached_property
    def past_answers(self) -> PastAnswers:
        """What silos gave to own questions before."""
        from node.federation.past_answers import FLUSH_S, PastAnswers

        past = PastAnswers.open(self.data.selection_file, self.clock)
        self._closing.callback(past.close)
        self.periodic.append(Periodic("answers", FLUSH_S, lambda: asyncio.to_thread(past.flush)))
        return past

    @cached_property
    def owed(self) -> Owed:
        """Answers that are to be acknowledged to their partners."""
        from node.federation.owed import Owed

        return Owed(self.log, self.data.acknowledged_file, self.clock)

    @property
    def log_origin(self) -> str:
        """The audit log's name on checkpoints (C2SP tlog-checkpoint origin)."""
        return stated_origin(self.data.log_file, self.settings.organisation)

    def has_opened(self, room: str) -> bool:
        """Whether the room of that name was opened in this process."""
        return room in self.__dict__

    def _most_asked(self, collection: str) -> list[int]:
        """The documents that partners were told of most often; none while the log is not open.

        Called in a thread, so it opens nothing.
        """
        if not self.has_opened("log"):
            return []
        return self.log.most_exposed(collection, MOST_ASKED)

    def _yardsticks(self, native: str) -> list[Yardstick]:
        """What scores of documents in a native space are corrected by; opens the spaces for it."""
        return self.spaces.yardsticks(native)
