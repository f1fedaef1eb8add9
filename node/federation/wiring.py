"""How the parts that speak with partners are put together from an open node. Wiring only.

The rule of this file: it makes them and keeps none; `Node` opens each once, repeats its work, and
closes it (`node/node.py`).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from node.federation.announcements import Announcements
from node.federation.announcer import Announcer, Documents
from node.federation.client import Client, ClientIdentity
from node.federation.event_leaves import peer_appender
from node.federation.proxy import Proxy
from node.federation.refresh import Refresher

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from node.federation.asker import Asker
    from node.federation.exchange import Exchanger
    from node.federation.peer import Peer
    from node.federation.responder import Responder
    from node.federation.signed_requests import SignedRequests
    from node.node import Node


def client_of(node: Node) -> Client:
    """Connections to partners, by the proxy of the environment where there is one."""
    partners = node.settings.partners
    identity = None
    if partners.client_certificate is not None and partners.client_key is not None:
        identity = ClientIdentity(partners.client_certificate, partners.client_key)
    return Client(identity, partners.ca_file, Proxy.from_environment(os.environ))


def refresher_of(node: Node) -> Refresher:
    """What fetches partners' documents."""
    return Refresher(node.client, node.peers, node.clock, _note(node))


def announcements_of(node: Node) -> Announcements:
    """What takes partners' documents that are brought to this node."""
    return Announcements(node.peers, node.clock, _note(node), node.refresher.suggest)


def announcer_of(node: Node) -> Announcer:
    """What brings the own documents to partners."""

    def documents() -> Documents:
        identity = node.identity
        return Documents(
            identity.organisation,
            identity.root_raw,
            node.card.raw,
            identity.chain,
        )

    return Announcer(
        documents,
        node.peers,
        node.client,
        node.clock,
        node.data.announced_file,
        lambda: node.identity.root.url is not None,
    )


def responder_of(node: Node) -> Responder:
    """What answers partners' questions."""
    from node.federation.responder import Responder  # verbs of a stopped node do without it
    from node.federation.responder_rooms import Rooms

    return Responder(
        Rooms(
            organisation=node.settings.organisation,
            authorities=lambda: frozenset(node.identity.root.authorities),
            signer=lambda: node.identity.signer("sign"),
            peers=node.peers,
            policy=node.policy,
            collections=node.collections,
            routes=node.routes,
            log=node.log,
            ledgers=node.ledgers,
            references=node.references,
            clock=node.clock,
            suggest_refresh=node.refresher.suggest,
            cosigned_of=node.cosigner.latest,
            witnesses_needed=node.settings.witness.needed,
        )
    )


def requests_of(node: Node) -> SignedRequests:
    """What signs and sends requests to partners."""
    from node.federation.signed_requests import SignedRequests

    return SignedRequests(
        node.settings.organisation, lambda: node.identity.signer("sign"), node.client, node.clock
    )


def exchanger_of(node: Node) -> Exchanger:
    """What sends questions, and acknowledges their answers."""
    from node.federation.exchange import Exchanger

    return Exchanger(
        node.requests,
        node.log,
        node.clock,
        node.peers,
        node.refresher,
        node.announcer.again,
        node.clock_watch.heard,
        node.owed.owe,
    )


def asker_of(node: Node) -> Asker:
    """What asks partners."""
    from node.federation.actors import Actors
    from node.federation.asker import Asker, AskerRooms

    return Asker(
        AskerRooms(
            organisation=node.settings.organisation,
            peers=node.peers,
            refresher=node.refresher,
            announcer=node.announcer,
            exchanger=node.exchanger,
            routes=node.routes,
            encoders=node.encoders,
            collections=node.collections,
            actors=Actors(node.identity.master()),
            deadline_s=node.settings.partners.deadline_s,
            past=node.past_answers,
            select=node.settings.partners.select,
            explore=node.settings.partners.explore,
        )
    )


def _note(node: Node) -> Callable[[Peer], Awaitable[None]]:
    """Appends the `peer` leaf of a partner whose documents changed."""
    append = peer_appender(node.log, node.clock, None)
    return lambda peer: append(peer, lambda: None)
