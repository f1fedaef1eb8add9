"""How a partner's collection is best asked with one of the own encoders.

The rule of this file: the nearest way first. The own space, then a shorter Matryoshka space of the
same model, into which vectors are cut; only then a map.
"""

from typing import TYPE_CHECKING

from node.encoders.errors import EncoderError
from node.federation.routing import Plan, Routes
from protocol.card import Card
from protocol.envelope import Envelope
from protocol.truncation import adopt_cut, cuts_of

if TYPE_CHECKING:
    from node.encoders.encoder import Encoder


async def plan_for(encoder: "Encoder", card: Card, into: str | None, routes: Routes) -> Plan:
    """Return how a question of `encoder` is asked of a collection in `into` of the card's owner.

    `into` is None where the collection's space is not known. Raises NoRoute.
    """
    wanted = [each for each in card.spaces if into in (None, each.space_id)]
    own = encoder.envelope
    if all(each.space_id != own.space_id for each in wanted) and cuts_of(own, wanted):
        adopted = await _cut(encoder, wanted)
        if adopted is not None:
            return Plan(adopted, cut=True)
    return routes.plan(own, card, into)


async def _cut(encoder: "Encoder", wanted: list[Envelope]) -> Envelope | None:
    try:
        probe = await encoder.live.probe_vectors()
    except EncoderError:
        return None  # what is not measured is not adopted; a map may lead there
    return None if probe is None else adopt_cut(encoder.envelope, probe, wanted)
