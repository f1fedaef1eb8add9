"""How a partner's collection is best asked with one of the own encoders.

The rule of this file: the nearest way first. The own space, then a shorter Matryoshka space of the
same model, into which vectors are cut; only then a map.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from node.encoders.errors import EncoderError
from node.federation.routing import NoRoute, Plan, Routes
from protocol.card import Card
from protocol.envelope import Envelope
from protocol.truncation import adopt_cut, cuts_of

if TYPE_CHECKING:
    from node.encoders.encoder import Encoder


async def plan_into(encoder: "Encoder", card: Card, offered: Sequence[str], routes: Routes) -> Plan:
    """Return how a question of `encoder` is best asked of a collection that offers these spaces.

    The first is the collection's own. Where no way leads there, a later one may still be answered:
    that of its former model, while its owner changes it. None offered: any space of the card.
    Raises NoRoute, for the first.
    """
    refused: NoRoute | None = None
    for into in offered or (None,):
        try:
            return await plan_for(encoder, card, into, routes)
        except NoRoute as error:
            refused = refused or error
    raise refused or NoRoute("no space is offered")


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
