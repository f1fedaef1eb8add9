"""What pairing takes from an open node. Wiring only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.federation.invitations import InvitationBook
from node.federation.pairing import Documents, Pairing, PairingRooms

if TYPE_CHECKING:
    from node.node import Node


def pairing_of(node: Node) -> Pairing:
    """Return the pairing of a node; raises InvitationsDamaged."""

    def documents() -> Documents:
        card, card_raw = node.card.current()
        return Documents(node.identity.root, node.identity.root_raw, card, card_raw)

    return Pairing(
        PairingRooms(
            organisation=node.settings.organisation,
            documents=documents,
            signer=lambda: node.identity.signer("sign"),
            peers=node.peers,
            invitations=InvitationBook.open(node.data.invitations_file),
            client=node.client,
            clock=node.clock,
        )
    )
