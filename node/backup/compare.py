"""Comparing this node with what its partners hold of it.

The rule of this file: nothing is guessed. A partner that could not be asked is named with the
reason, and counts neither as agreeing nor as disagreeing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from node.backup.own_state import Judged, OwnState, judge, own_state
from node.federation.ask_held import HeldRefused, ask_held
from node.federation.client import TransportError
from node.federation.refresh import Refresher
from node.federation.unverifiable import Unverifiable

if TYPE_CHECKING:
    from collections.abc import Collection

    from node.federation.peer import Peer
    from node.node import Node
    from protocol.messages import Held

DEADLINE_S = 5.0


@dataclass(frozen=True)
class Compared:
    """What came of asking one partner: its claim judged, or why it could not be asked."""

    organisation: str
    judged: Judged | None
    problem: str | None = None


@dataclass(frozen=True)
class Comparison:
    """The node's own state, and every partner's claim."""

    own: OwnState
    partners: tuple[Compared, ...]

    @property
    def behind(self) -> list[str]:
        """One sentence for each thing that a partner holds and this node has not."""
        return [
            f"{each.organisation}: {older.words}"
            for each in self.partners
            if each.judged is not None
            for older in each.judged.behind
        ]

    @property
    def holding_more(self) -> tuple[str, ...]:
        """The partners that have shown that they hold more of this node than it has."""
        return tuple(
            each.organisation
            for each in self.partners
            if each.judged is not None and each.judged.behind
        )

    @property
    def ignored(self) -> list[str]:
        """One sentence for each claim of a partner that no own signature shows."""
        return [
            f"{each.organisation}: {words}"
            for each in self.partners
            if each.judged is not None
            for words in each.judged.ignored
        ]

    @property
    def not_compared(self) -> list[str]:
        """One sentence for each partner that could not be asked."""
        return [
            f"{each.organisation}: {each.problem}" for each in self.partners if each.judged is None
        ]


async def compare(
    node: Node, without: Collection[str] = (), *, paused: bool = True, refresh: bool = False
) -> Comparison:
    """Ask every partner that is active, or `paused`; those in `without` are left out.

    `refresh` fetches their documents first, as a node needs that was restored from an old backup.
    """
    states = ("active", "paused") if paused else ("active",)
    peers = [
        peer
        for peer in node.peers.all()
        if peer.state in states and peer.organisation not in without
    ]
    if refresh:
        await _refresh(node)
    asked = await asyncio.gather(*(_ask(node, peer.organisation) for peer in peers))
    # read after asking: what was appended meanwhile, partners may hold already
    history, at = node.identity.history(), node.clock()
    own = await asyncio.to_thread(own_state, node.data.log_file, history, at)
    partners = [
        Compared(peer.organisation, None, answer)
        if isinstance(answer, str)
        else Compared(peer.organisation, await asyncio.to_thread(judge, answer, own))
        for peer, answer in zip(peers, asked, strict=True)
    ]
    return Comparison(own, tuple(partners))


async def _ask(node: Node, organisation: str) -> Held | str:
    """What the partner holds, or why it could not be asked."""
    try:
        return await ask_held(
            node.requests,
            node.peers.get(organisation),
            node.clock,
            DEADLINE_S,
            node.clock_watch.heard,
        )
    except Unverifiable as error:
        return error.words.rstrip(".")
    except (TransportError, HeldRefused) as error:
        return str(error)


async def _refresh(node: Node) -> None:
    """Fetch partners' documents without a leaf; the leaf of a new one is appended at the start."""

    async def unlogged(peer: Peer) -> None:
        node.peers.log_later(peer.organisation)

    refresher = Refresher(node.client, node.peers, node.clock, unlogged)
    try:
        await refresher.refresh_all()
    finally:
        await refresher.close()
