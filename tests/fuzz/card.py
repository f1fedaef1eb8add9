"""Cards under a pinned root document."""

from functools import cache

from protocol.card import CARD_TYPE, CardRefused, accept_card
from tests.fuzz.long import main
from tests.fuzz.signed import resigned
from tests.fuzz.target import Target
from tests.protocol.organisation import NOW, card, root, signed_card, signer

ROOT = root()


@cache
def valid() -> list[bytes]:
    """A card with a space and a route, and one of a partner that has nothing yet."""
    return [signed_card(card()), signed_card(card(spaces=(), routes=()))]


TARGET = Target(
    "card",
    "a card is accepted, or CardRefused",
    lambda raw: accept_card(raw, ROOT, None, NOW),
    (CardRefused,),
    valid,
    resigned(CARD_TYPE, valid, [signer("card 1")]),
)

if __name__ == "__main__":
    main(TARGET)
