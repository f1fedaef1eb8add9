"""The card: what an organisation's node offers today.

The rule of this file: a card is believed only beside the root document that it names by version and
digest, signed by one of that document's card keys, for at most 24 hours, and never after a newer
one was seen.

Served at `/.well-known/interlingua-node`.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Annotated

from pydantic import Field, model_validator

from keys.ring import KeyRefused
from keys.signer import Signer
from protocol.document import Document, DocumentRefused, read_document, require_signatures
from protocol.dsse import sign
from protocol.envelope import Envelope
from protocol.limits import (
    CARD_LIFETIME_S,
    CLOCK_SKEW_S,
    MAX_CARD_ROUTES,
    MAX_CARD_SPACES,
    MAX_FIGURES,
)
from protocol.log_terms import LogOrigin, names_log_of
from protocol.notation import (
    BaseUrl,
    Count,
    Digest,
    KeyId,
    Ordinal,
    Organisation,
    SpaceId,
    Time,
    Version1,
    WireModel,
    Word,
)
from protocol.root import RootDocument, authority_of

CARD_TYPE = "application/vnd.interlingua.card+json"


class CardRefused(DocumentRefused):
    """A card is not accepted; see DocumentRefused."""


class Figure(WireModel):
    """One measured number with its interval, in thousandths: `milli`, from `low` to `high`."""

    milli: Annotated[int, Field(ge=-1_000_000, le=1_000_000)]
    low: Annotated[int, Field(ge=-1_000_000, le=1_000_000)]
    high: Annotated[int, Field(ge=-1_000_000, le=1_000_000)]

    @model_validator(mode="after")
    def _in_order(self) -> "Figure":
        if not self.low <= self.milli <= self.high:
            raise ValueError("a figure lies between its low and its high")
        return self

    @classmethod
    def of(cls, value: float, low: float, high: float) -> "Figure":
        """Return the figure of three numbers, rounded to thousandths."""
        return cls(milli=round(value * 1000), low=round(low * 1000), high=round(high * 1000))


class Route(WireModel):
    """A way into one of the node's spaces.

    A question whose vectors lie in `space` is mapped by the adapter with the file digest `adapter`
    (None: nothing to map, the spaces are one) into `into`, a collection's space. `kind` is the kind
    of map, `quality` what was measured on `held_out` anchors that the fit never saw.
    """

    space: SpaceId
    into: SpaceId
    adapter: Digest | None
    kind: Word
    quality: Annotated[dict[Word, Figure], Field(max_length=MAX_FIGURES)] = Field(
        default_factory=dict
    )
    held_out: Count = 0

    @model_validator(mode="after")
    def _direction_and_adapter_agree(self) -> "Route":
        if (self.adapter is None) != (self.space == self.into):
            raise ValueError("a route within one space has no adapter, any other route has one")
        return self


class CardLimits(WireModel):
    """What one request to this node may hold: bytes, vectors, answers a vector."""

    max_query_bytes: Annotated[int, Field(ge=1024, le=2**31 - 1)]
    max_batch: Annotated[int, Field(ge=1, le=2**16)]
    max_k: Annotated[int, Field(ge=1, le=2**16)]


class Card(Document):
    """One organisation's card.

    `serial` grows with every card under one root document; `root_version` and `root_digest` name
    the root document under which it was signed. `url` is the base address for requests; its
    authority is one of the root document's. `log_origin` and `log_kid` name the audit log and the
    key that signs it now. `spaces` are the envelopes of the collections' spaces and of shared
    spaces; `routes` the ways into them, the best first where there are several.
    """

    v: Version1 = 1
    organisation: Organisation
    serial: Ordinal
    issued: Time
    expires: Time
    root_version: Ordinal
    root_digest: Digest
    url: BaseUrl | None
    log_origin: LogOrigin
    log_kid: KeyId
    spaces: Annotated[tuple[Envelope, ...], Field(strict=False, max_length=MAX_CARD_SPACES)] = ()
    routes: Annotated[tuple[Route, ...], Field(strict=False, max_length=MAX_CARD_ROUTES)] = ()
    limits: CardLimits

    @model_validator(mode="after")
    def _fields_agree(self) -> "Card":
        if len(self.by_space) < len(self.spaces):
            raise ValueError("spaces: one space is named twice")
        if any(route.into not in self.by_space for route in self.routes):
            raise ValueError("routes: a route leads into a space that spaces does not name")
        return self

    @cached_property
    def by_space(self) -> dict[str, Envelope]:
        """The envelopes by space id."""
        return {envelope.space_id: envelope for envelope in self.spaces}

    def is_under(self, root: RootDocument) -> bool:
        """Tell whether the card belongs to this version of the root document.

        A card does not outlive the root document it names: the next version may have been made
        because the card's key, or the address on the card, must not be trusted any more.
        """
        return (self.root_version, self.root_digest) == (root.version, root.digest)

    def routes_from(self, space: str, into: str) -> tuple[Route, ...]:
        """Return the routes between two space ids, the node's best first."""
        return tuple(r for r in self.routes if r.space == space and r.into == into)


def sign_card(card: Card, signers: Iterable[Signer]) -> bytes:
    """Return the signed card; `signers` hold card keys of the root document it names."""
    return sign(card.payload, CARD_TYPE, signers)


def accept_card(raw: bytes, root: RootDocument, previous: Card | None, at: int) -> Card:
    """Return the card in `raw` if it may replace `previous`, or be the first one.

    `root` is the newest accepted root document of the organisation, `previous` the newest accepted
    card, `at` now (epoch seconds, UTC). Pure. Raises CardRefused with these reasons:

    1. form: a DSSE envelope of this type, canonical JSON, known fields only.
    2. organisation: the root document's.
    3. root: it names exactly this root document, by version and digest; expired if that has.
    4. unknown-key, revoked-key, expired-key, signatures: a card key of the root document, valid at
       `at`, signed.
    5. rollback, fork: within one version of the root document the serial is above the previous
       one, or it is the same card again. The next version starts anew: a thief of a card key may
       have used up the serials, and cards of an older version are refused by step 3.
    6. early, expired, lifetime: issued is not in the future, expires is, and they lie at most
       24 hours apart.
    7. authority, log-origin, log-key: the root document names the authority of `url`, or has no url
       either; `log_origin` is a name of the organisation's own; the root document names `log_kid`
       as a log key that is valid at `at`.
    """
    card, signed = read_document(raw, CARD_TYPE, Card, CardRefused)  # 1
    if card.organisation != root.organisation:  # 2
        raise CardRefused(
            "organisation", f"this is the card of {card.organisation}, not {root.organisation}"
        )
    _check_root(card, root, at)  # 3
    require_signatures(signed, root.ring, "card", at, CardRefused)  # 4
    if previous is not None and previous.is_under(root):  # 5
        _check_succession(card, previous)
    _check_period(card, at)  # 6
    _check_names(card, root, at)  # 7
    return card


def _check_root(card: Card, root: RootDocument, at: int) -> None:
    if not card.is_under(root):
        newer = card.root_version > root.version
        fix = "fetch the root document anew" if newer else "fetch the card anew"
        raise CardRefused(
            "root",
            f"the card belongs to version {card.root_version} of the root document, "
            f"or another one, not to the version {root.version} that is held; {fix}",
        )
    if root.expires <= at:
        raise CardRefused("expired", "its root document has expired; fetch the next version")


def _check_succession(card: Card, previous: Card) -> None:
    if card.serial < previous.serial:
        raise CardRefused(
            "rollback", f"serial {card.serial} is older than {previous.serial}, seen before"
        )
    if card.serial == previous.serial and card.digest != previous.digest:
        raise CardRefused("fork", f"two different cards have serial {card.serial}; ask their owner")


def _check_period(card: Card, at: int) -> None:
    if card.issued > at + CLOCK_SKEW_S:
        ahead = card.issued - at
        raise CardRefused(
            "early", f"it was issued {ahead} seconds in the future; compare the clocks"
        )
    if not card.issued < card.expires <= card.issued + CARD_LIFETIME_S:
        raise CardRefused("lifetime", "it must expire after it was issued, within 24 hours")
    if card.expires <= at:
        raise CardRefused("expired", "it has expired; fetch the next one")


def _check_names(card: Card, root: RootDocument, at: int) -> None:
    if (card.url is None) != (root.url is None):
        raise CardRefused(
            "authority", "one of card and root document has a url, the other has none"
        )
    if card.url is not None and authority_of(card.url) not in root.authorities:
        raise CardRefused("authority", f"the root document does not name {authority_of(card.url)}")
    if not names_log_of(card.log_origin, card.organisation):
        raise CardRefused(
            "log-origin",
            f"{card.log_origin} is no log of {card.organisation}: its name is "
            f"{card.organisation}, or begins with {card.organisation}/",
        )
    try:
        root.ring.usable(card.log_kid, "log", at)
    except KeyRefused as error:
        raise CardRefused("log-key", str(error)) from None
