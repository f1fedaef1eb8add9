"""Which collections are open to a partner, and on what terms: its own grants, and nothing else."""

from typing import TYPE_CHECKING

from node.collections.errors import UnknownCollection
from node.federation.bridging import accepted_by
from node.federation.ledgers import Ledgers
from node.federation.routing import Routes
from node.policy.policy import Policy
from protocol.leaf import new_salt
from protocol.limits import MAX_OFFERS, MAX_SPACES
from protocol.messages import Offer, Offers

if TYPE_CHECKING:
    from node.collections.registry import Collections


def offers_to(
    peer: str,
    request_digest: str,
    policy: Policy,
    collections: "Collections",
    routes: Routes,
    ledgers: Ledgers,
    at: int,
) -> Offers:
    """Return the offers to one peer: a grant that holds now, of a collection that exists."""
    offers = []
    for grant in policy.of_peer(peer):
        ends = grant.ends
        if ends is not None and at >= ends:
            continue
        try:
            collection = collections.get(grant.collection)
        except UnknownCollection:
            continue
        offers.append(
            Offer(
                collection=grant.collection,
                title=collection.title or None,
                description=collection.description or None,
                language=collection.language or None,
                purposes=grant.purposes,
                granularity=grant.granularity,
                bin_width_milli=grant.bin_width if grant.granularity == "bins" else None,
                max_k=grant.max_k,
                spaces=tuple(accepted_by(collection.standing, routes))[:MAX_SPACES],
                filterable=grant.filterable,
                queries_left=ledgers.queries_left(grant, at),
                queries_per_day=grant.queries_per_day,
                rate=policy.rate(peer),
                exposure_quarters=ledgers.exposure_quarters(grant, collection, at),
                agreement=grant.agreement.id if grant.agreement else None,
                expires=ends,
                request_url=grant.request_url,
            )
        )
    return Offers(salt=new_salt(), query=request_digest, offers=tuple(offers[:MAX_OFFERS]))
