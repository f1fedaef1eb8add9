"""Operations on witnesses: how far each has cosigned, for whom this node does, forks, keys."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pydantic import BaseModel

from node.operations.registry import NoRequest, Progress, operation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from node.audit.cosigned_rows import CosignedCheckpoint
    from node.federation.peer import Peer
    from node.node import Node


class WitnessState(BaseModel):
    """One partner as a witness of this node's log.

    `size` leaves it has cosigned, last at `at` (epoch seconds, UTC; None: never); `lag` leaves are
    newer. `asked`: it is active, reachable, offers it and counts here. `problem`: why the last
    request failed, None where it did not or none was made since the node was started.
    """

    organisation: str
    asked: bool
    size: int
    at: int | None
    lag: int
    problem: str | None


class Receipts(BaseModel):
    """A partner's receipts: how many of a look wait for a witnessed proof, and why."""

    organisation: str
    waiting: int
    problem: str | None


class CosignedHere(BaseModel):
    """A partner's log: the size that this node cosigned last, and when."""

    origin: str
    size: int
    at: int


class Evidence(BaseModel):
    """A file that shows that a log has forked."""

    origin: str
    file: str


class Witnesses(BaseModel):
    """All of it; `size` is that of the own log, `needed` and `offers` are settings."""

    size: int
    needed: int
    offers: bool
    witnesses: tuple[WitnessState, ...]
    receipts: tuple[Receipts, ...]
    cosigned_here: tuple[CosignedHere, ...]
    forks: tuple[Evidence, ...]


class WitnessKey(BaseModel):
    """A key that cosigns, as it is given to auditors: name, id and key."""

    organisation: str
    key: str


class WitnessKeys(BaseModel):
    """The own witness keys first, then partners', by their newest root documents."""

    keys: tuple[WitnessKey, ...]


@operation("audit.witness", role="auditor")
async def witness(node: Node, request: NoRequest, progress: Progress) -> Witnesses:
    """Show how far each witness has cosigned this node's log, and what this node cosigned."""
    from node.witness.forks import Forks
    from node.witness.known import asked as asked_now
    from node.witness.own_key import witness_signer
    from node.witness.record import WitnessRecord

    del request, progress
    size, kept = node.log.size(), node.log.cosigned()
    cosigned = await asyncio.to_thread(WitnessRecord(node.data.witness_file).sizes)
    forks = await asyncio.to_thread(lambda: list(Forks(node.data.forks).all()))
    wanted = asked_now(node.settings.witness, node.peers, node.clock())
    asked = {peer.organisation for peer in wanted}
    partners = [peer for peer in node.peers.all() if peer.state in ("active", "paused")]
    return Witnesses(
        size=size,
        needed=node.settings.witness.needed,
        offers=witness_signer(node) is not None,
        witnesses=tuple(
            _state(node, peer, kept, size, asked=peer.organisation in asked) for peer in partners
        ),
        receipts=tuple(_receipts(node, partners)) if node.has_opened("follower") else (),
        cosigned_here=tuple(
            CosignedHere(origin=origin, size=n, at=at) for origin, (n, at) in cosigned.items()
        ),
        forks=tuple(Evidence(origin=fork.origin, file=str(fork.file)) for fork in forks),
    )


@operation("audit.witness-keys", role="auditor")
async def witness_keys(node: Node, request: NoRequest, progress: Progress) -> WitnessKeys:
    """List the keys of witnesses, to be given to auditors."""
    from protocol.witness_policy import witnesses_of

    del request, progress
    documents = [node.identity.root]
    documents += [p.root for p in node.peers.all() if p.state in ("active", "paused")]
    return WitnessKeys(
        keys=tuple(
            WitnessKey(organisation=found.organisation, key=str(found.key))
            for document in documents
            for found in witnesses_of([document])
        )
    )


def _state(
    node: Node, peer: Peer, kept: list[CosignedCheckpoint], size: int, *, asked: bool
) -> WitnessState:
    """What was cosigned before this start stands in the log alone."""
    found = [one for one in kept if f"{peer.organisation}/witness" in one.names]
    reached = max((one.size for one in found), default=0)
    return WitnessState(
        organisation=peer.organisation,
        asked=asked,
        size=reached,
        at=_time(peer, found[0]) if found else None,
        lag=size - reached,
        problem=_problem(node, peer.organisation),
    )


def _problem(node: Node, organisation: str) -> str | None:
    """A stopped node has asked nobody, and needs no connections to say so."""
    if not node.has_opened("submitter"):
        return None
    return node.submitter.standing(organisation).problem


def _time(peer: Peer, kept: CosignedCheckpoint) -> int | None:
    """When a partner says that it cosigned, by a key that its documents name now."""
    from protocol.cosignature import cosignatures
    from protocol.note import parse_note
    from protocol.witness_policy import witnesses_of

    said = cosignatures(parse_note(kept.note), [w.key for w in witnesses_of([peer.root])])
    return max((one.at for one in said), default=None)


def _receipts(node: Node, partners: list[Peer]) -> Iterator[Receipts]:
    for peer in partners:
        following = node.follower.following(peer.organisation)
        if following is not None:
            yield Receipts(
                organisation=peer.organisation,
                waiting=following.waiting,
                problem=following.problem if following.waiting else None,
            )
