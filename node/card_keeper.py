"""The node's card: built from what the node offers, signed anew when that or the time demands it.

A card lives at most 24 hours; it is renewed after half of that, and at once when spaces, routes,
root document or address change. Its serial never goes back, also across restarts: it
follows the clock, and the newest card is kept in a file that is written before the card is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from node import durable_file
from node.operations.errors import Unavailable
from protocol.card import (
    CARD_TYPE,
    Card,
    CardLimits,
    CardRefused,
    Route,
    sign_card,
)
from protocol.document import DocumentRefused, read_document
from protocol.limits import CARD_LIFETIME_S, MAX_BATCH, MAX_K, MAX_QUERY_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from node.clock import Clock
    from node.identity import Identity
    from protocol.envelope import Envelope

RENEW_AFTER_S = CARD_LIFETIME_S // 2


@dataclass(frozen=True)
class Offered:
    """What a card says of a node: spaces of its collections and shared spaces, routes into them."""

    spaces: tuple[Envelope, ...]
    routes: tuple[Route, ...]


class CardKeeper:
    """Keeps the newest card.

    Args:
        identity: signs it, and names the root document.
        log_origin: name of the node's audit log.
        path: file of the newest card; a missing or damaged one is written anew.
        offered: called at each look; must be cheap.
        clock: epoch seconds UTC.
    """

    def __init__(
        self,
        identity: Identity,
        log_origin: str,
        path: Path,
        offered: Callable[[], Offered],
        clock: Clock,
    ) -> None:
        self._identity = identity
        self._log_origin = log_origin
        self._path = path
        self._offered = offered
        self._clock = clock
        self._card: Card | None = None
        self._raw = b""
        with suppress(FileNotFoundError, DocumentRefused):
            self._raw = path.read_bytes()
            self._card, _ = read_document(self._raw, CARD_TYPE, Card, CardRefused)

    def current(self) -> tuple[Card, bytes]:
        """The card that is valid now and its signed envelope, renewed where that is due."""
        at, offered = self._clock(), self._offered()
        if self._card is None or self._stale(self._card, offered, at):
            self._card, self._raw = self._renewed(offered, at)
        return self._card, self._raw

    @property
    def expires(self) -> int:
        """When the newest card ends, also where none can be signed any more; 0 without one."""
        return self._card.expires if self._card is not None else 0

    @property
    def raw(self) -> bytes:
        """The signed envelope of the current card, as it is published."""
        return self.current()[1]

    def _stale(self, card: Card, offered: Offered, at: int) -> bool:
        root = self._identity.root
        return (
            not card.issued <= at + 1 < card.issued + RENEW_AFTER_S
            or (card.spaces, card.routes) != (offered.spaces, offered.routes)
            or card.root_digest != root.digest
            # a successor log may be opened after a card was signed for its predecessor
            or (card.log_origin, card.log_kid) != (self._log_origin, self._identity.kid("log"))
        )

    def _renewed(self, offered: Offered, at: int) -> tuple[Card, bytes]:
        root = self._identity.root
        if root.expires <= at:
            raise Unavailable(
                "The root document has expired, so no card can be signed under it.",
                fix="Start the node with the root key in keys/: it renews it. With the root key "
                "elsewhere: interlingua key root export FILE.",
                code="root-expired",
            )
        card = Card(
            organisation=self._identity.organisation,
            # by the clock, so that a serial grows even when the file was lost
            serial=max(self._card.serial + 1, at) if self._card else at,
            issued=at,
            expires=min(at + CARD_LIFETIME_S, root.expires),
            root_version=root.version,
            root_digest=root.digest,
            url=root.url,
            log_origin=self._log_origin,
            log_kid=self._identity.kid("log"),
            spaces=offered.spaces,
            routes=offered.routes,
            limits=CardLimits(max_query_bytes=MAX_QUERY_BYTES, max_batch=MAX_BATCH, max_k=MAX_K),
        )
        raw = sign_card(card, [self._identity.signer("card")])
        durable_file.replace(self._path, raw)
        return card, raw
