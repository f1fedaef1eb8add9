"""Which witnesses this node knows: partners whose root documents name a witness key.

Rule of this file: a partner is believed as a witness by the documents that were accepted here, and
only as far as the settings let it count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocol.witness_policy import Witness, WitnessPolicy, witnesses_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from node.config import Witnessing
    from node.federation.peer import Peer
    from node.federation.peers import PeerBook
    from protocol.root import RootDocument


def policy(settings: Witnessing, histories: Iterable[Iterable[RootDocument]]) -> WitnessPolicy:
    """Return whose cosignatures count, of organisations with these root documents."""
    known = [witness for documents in histories for witness in witnesses_of(documents)]
    counting = (w for w in known if counts(settings, w.organisation))
    return WitnessPolicy(settings.needed, tuple(counting))


def policy_here(settings: Witnessing, peers: PeerBook) -> WitnessPolicy:
    """Return the policy over the partners that are not revoked, by their newest documents."""
    known = (peer for peer in peers.all() if peer.state in ("active", "paused"))
    return policy(settings, ([peer.root] for peer in known))


def counts(settings: Witnessing, organisation: str) -> bool:
    """Whether an organisation is to be a witness here: all are where none is named."""
    return not settings.organisations or organisation in settings.organisations


def asked(settings: Witnessing, peers: PeerBook, at: int) -> list[Peer]:
    """Return the partners to cosign the own log: active, reachable, with a witness key, wanted."""
    return [
        peer
        for peer in peers.all()
        if peer.is_asked and counts(settings, peer.organisation) and keys_now(peer, at)
    ]


def keys_now(peer: Peer, at: int) -> tuple[Witness, ...]:
    """Return a partner's witness keys that it may cosign with at this time; none: it is none."""
    return tuple(w for w in witnesses_of([peer.root]) if w.counts_at(at))
