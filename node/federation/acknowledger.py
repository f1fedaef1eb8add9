"""Acknowledging answers to the partners who gave them, some seconds later and many at once.

The rule of this file: it runs beside the questions and holds none of them up. What a partner does
not take is brought again after a pause that doubles, for a day; what it has refused for good, or
confirmed before, is not brought again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from node.federation.errors import FederationError
from node.federation.transport_errors import TransportError
from node.federation.unverifiable import Unverifiable
from protocol.acknowledgement import Acknowledgement
from protocol.leaf import new_salt
from protocol.limits import MAX_ACKNOWLEDGED
from protocol.problems import Code

if TYPE_CHECKING:
    from node.audit.log import AuditLog
    from node.clock import Clock
    from node.federation.exchange import Exchanger
    from node.federation.owed import Owed
    from node.federation.peers import PeerBook

SEND_EVERY_S = 3.0
"""How long answers are gathered before they are acknowledged together (seconds)."""
DEADLINE_S = 10.0
FIRST_PAUSE_S = 10
LONGEST_PAUSE_S = 1_800

_log = structlog.get_logger(__name__)


@dataclass
class _Attempts:
    """How often in a row a partner did not take them, and when it is asked again."""

    failures: int = 0
    next_at: int = 0


class Acknowledger:
    """Brings acknowledgements; one per node, on its event loop."""

    def __init__(
        self, exchanger: Exchanger, owed: Owed, peers: PeerBook, log: AuditLog, clock: Clock
    ) -> None:
        self._exchanger, self._owed, self._peers = exchanger, owed, peers
        self._log, self._clock = log, clock
        self._attempts: dict[str, _Attempts] = {}

    async def send_due(self) -> None:
        """Bring every partner what is owed to it, unless it is in a pause.

        How far each was told is written once: a file and a sync for each partner cost far more.
        """
        try:
            await asyncio.gather(*(self._bring(peer) for peer in self._owed.partners()))
        finally:
            self._owed.write_down()

    async def _bring(self, organisation: str) -> None:
        attempts = self._attempts.setdefault(organisation, _Attempts())
        while attempts.next_at <= self._clock():
            answers = self._owed.next(organisation, MAX_ACKNOWLEDGED)
            if not answers:
                return
            message = Acknowledgement(
                salt=new_salt(), checkpoint=self._log.checkpoint().decode(), answers=answers
            )
            problem = await self._send(organisation, message.encode())
            if problem is None:
                attempts.failures = 0
                self._owed.settle(organisation, [one.received for one in answers])
                continue
            pause = min(FIRST_PAUSE_S * 2**attempts.failures, LONGEST_PAUSE_S)
            attempts.failures += 1
            attempts.next_at = self._clock() + pause
            _log.info(
                "answers not acknowledged", peer=organisation, cause=problem, again_in_s=pause
            )

    async def _send(self, organisation: str, body: bytes) -> str | None:
        """Send one; returns why it is to be sent again, None where it is settled."""
        try:
            peer = self._peers.active(organisation)
            problem = await self._exchanger.acknowledge(peer, body, DEADLINE_S)
        except (TransportError, Unverifiable, FederationError) as error:
            return str(error)
        return None if problem in (None, Code.NOTHING_ACKNOWLEDGED) else problem
