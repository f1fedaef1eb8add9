"""One partner: what a person decided about it, and the newest documents accepted of it.

The rule of this file: a partner is immutable; whoever changes it makes another, and the book
(`node/federation/peers.py`) decides which one is in force. What was accepted before is read again
without being judged again, because it may have expired since.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from keys.ring import KeyRing
from node.federation.client import Transport, Unreachable
from protocol.card import CARD_TYPE, Card, CardRefused
from protocol.document import read_document
from protocol.root import ROOT_TYPE, RootDocument, RootRefused

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

    def changed(self, **fields: object) -> "Peer":
        """Return the partner with other fields of its record, its documents as they are."""
        return Peer(self.record.model_copy(update=fields), self.root, self.card)


def _address(organisation: str, url: str | None) -> str:
    if url is None:
        raise Unreachable(f"{organisation} only asks: its documents name no address")
    return url


def read_peer(record: PeerRecord) -> Peer:
    """Return the partner of a record; raises DocumentRefused where its documents are damaged."""
    root = read_document(record.root.encode(), ROOT_TYPE, RootDocument, RootRefused)[0]
    card = read_document(record.card.encode(), CARD_TYPE, Card, CardRefused)[0]
    return Peer(record, root, card)
