"""One partner: what a person decided about it, and the newest documents accepted of it.

The rule of this file: a partner is immutable; whoever changes it makes another, and the book
(`node/federation/peers.py`) decides which one is in force. What was accepted before is read again
without being judged again, because it may have expired since.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from keys.ring import KeyRing
from node.federation.errors import CardUnavailable
from node.federation.transport import Transport
from node.federation.transport_errors import Unreachable
from protocol.card import CARD_TYPE, Card, CardRefused, accept_card
from protocol.document import read_document
from protocol.root import RootDocument, accept_root, read_root

State = Literal["pending", "active", "paused", "revoked"]


class PeerRecord(BaseModel):
    """What `peers/<organisation>.json` holds; `root` and `card` are whole DSSE envelopes.

    `words` are the six of its pairing, None where it was added before there were pairings.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    v: Literal[1] = 1
    organisation: str
    state: State
    pinned: str
    root: str
    card: str
    reach: Literal["loopback", "public"]
    allow_private: bool = False
    allow_plaintext: bool = False
    ca_file: Path | None = None
    added_at: int
    changed_at: int
    logged: bool = False
    words: str | None = None
    log_origin: str | None = None


class Peer:
    """One partner with its accepted documents. Immutable; the book replaces it."""

    def __init__(self, record: PeerRecord, root: RootDocument, card: Card) -> None:
        self.record = record
        self.root = root
        self.card = card

    @property
    def organisation(self) -> str:
        """The partner's name."""
        return self.record.organisation

    @property
    def state(self) -> State:
        """Its state here."""
        return self.record.state

    @property
    def log_origin(self) -> str:
        """The name of its log that a person approved; at pairing, that of the card."""
        return self.record.log_origin or self.card.log_origin

    @property
    def log_approved(self) -> bool:
        """Whether its card names the approved log, and not a successor of it."""
        return self.card.log_origin == self.log_origin

    @property
    def transport(self) -> Transport:
        """How a person allowed it to be connected to."""
        record = self.record
        return Transport(record.reach, record.allow_private, record.allow_plaintext, record.ca_file)

    @property
    def is_asked(self) -> bool:
        """Whether questions that name nobody go to it: it is active and has an address."""
        return self.record.state == "active" and self.card.url is not None

    @property
    def url(self) -> str:
        """Where it is asked; raises Unreachable for a partner that only asks."""
        return _address(self.organisation, self.card.url)

    @property
    def documents_url(self) -> str:
        """Where its documents are fetched; raises Unreachable for a partner that only asks."""
        return _address(self.organisation, self.root.url)

    def ring(self, at: int) -> KeyRing | None:
        """Its keys, while its root document is valid."""
        return self.root.ring if at < self.root.expires else None

    def card_at(self, at: int) -> Card:
        """The card while it is valid; raises CardUnavailable."""
        if not self.card.is_under(self.root):
            raise CardUnavailable(
                f"The card of {self.organisation} belongs to an older root document than the one "
                "held.",
                fix="Check that the partner's node is running and reachable; it has a new card.",
            )
        if not at < self.card.expires:
            raise CardUnavailable(
                f"The card of {self.organisation} expired at {self.card.expires}.",
                fix="Check that the partner's node is running and reachable; it renews it daily.",
            )
        return self.card

    def renewed(
        self, roots: Sequence[bytes], card: bytes | None, at: int
    ) -> tuple["Peer", list[str]]:
        """Return the partner with newer documents, and the root documents that they replace.

        `roots` are successive versions, the newest last; the same documents again are no error and
        give the same partner. Another envelope of the same version is taken where witness keys
        signed it that did not sign the one held, and else left: it could only lack signatures, or
        be one of very many. Raises DocumentRefused.
        """
        root, root_text = self.root, self.record.root
        superseded = []
        for number, raw in enumerate(roots, 1):
            if raw.decode() != root_text:
                passing = number < len(roots)
                newer = accept_root(raw, self.record.pinned, root, at, intermediate=passing)
                if newer.digest == root.digest and not newer.held > root.held:
                    continue
                superseded.append(root_text)
                root, root_text = newer, raw.decode()
        new_card, card_text = self.card, self.record.card
        if card is not None and card.decode() != card_text:
            new_card, card_text = accept_card(card, root, self.card, at), card.decode()
        if (root_text, card_text) == (self.record.root, self.record.card):
            return self, []
        record = self.record.model_copy(
            # a record of an earlier release pins no log: then the one it had until now
            update={"root": root_text, "card": card_text, "log_origin": self.log_origin}
        )
        return Peer(record, root, new_card), superseded

    def changed(self, **fields: object) -> "Peer":
        """Return the partner with other fields of its record, its documents as they are."""
        return Peer(self.record.model_copy(update=fields), self.root, self.card)


def _address(organisation: str, url: str | None) -> str:
    if url is None:
        raise Unreachable(f"{organisation} only asks: its documents name no address")
    return url


def read_peer(record: PeerRecord) -> Peer:
    """Return the partner of a record; raises DocumentRefused where its documents are damaged."""
    root = read_root(record.root.encode())[0]
    card = read_document(record.card.encode(), CARD_TYPE, Card, CardRefused)[0]
    return Peer(record, root, card)
