"""Whom a question goes to: which partners, and which of a partner's collections.

The rule of this file: what a person names is asked, even where it will be refused, so that the
refusal is signed and logged; what nobody named is asked only where it is offered for the purpose.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from node.federation.ask import AskRequest
from node.federation.errors import NothingToAsk, QuestionInvalid
from node.federation.peers import PeerBook
from protocol.messages import Offer

UNNAMED_COLLECTIONS = 32
"""Collections of one partner that a question asks where none is named. Each costs leaves, a
connection and an answer, and it is the partner who says how many there are."""


@dataclass(frozen=True)
class Target:
    """One collection of a partner; `offer` is None where it is asked without being offered."""

    collection: str
    offer: Offer | None

    @property
    def place(self) -> tuple[str, tuple[str, ...]]:
        """The collection and the space in which it is offered."""
        return self.collection, self.offer.spaces[:1] if self.offer else ()


def partners_for(request: AskRequest, own: str, peers: PeerBook) -> list[str]:
    """Return the partners to ask, by name.

    `peers` bounds the question: a collection of any other organisation is refused, so that a local
    caller who may ask some partners cannot reach the others by naming their collections. Raises
    QuestionInvalid, or PeerUnknown for a named partner that was never added.
    """
    holders = {org for org, _ in _named(request) if org is not None} - {own}
    outside = sorted(holders - set(request.peers)) if request.peers else []
    if outside:
        raise QuestionInvalid(
            f"A collection of {outside[0]} is named, which is not among the partners to ask.",
            fix=f"Name {outside[0]} as a partner too, if you may ask it, or leave it out.",
        )
    if request.peers:
        chosen = set(request.peers)
    elif _named(request) and all(org for org, _ in _named(request)):
        chosen = holders
    else:
        chosen = holders | {peer.organisation for peer in peers.all() if peer.is_asked}
    for name in sorted(chosen - {own}):
        peers.get(name)
    return sorted(chosen - {own})


def own_collections(request: AskRequest, own: str, names: Iterable[str]) -> list[str]:
    """Return the own collections that are meant."""
    if not request.own:
        return []
    wanted = _named(request)
    return [name for name in names if not wanted or (own, name) in wanted or (None, name) in wanted]


def targets(request: AskRequest, organisation: str, offers: Sequence[Offer]) -> list[Target]:
    """Return the collections of one partner that are to be asked."""
    for_purpose = {o.collection: o for o in offers if request.purpose in o.purposes}
    offered = {o.collection for o in offers}
    wanted = _named(request)
    if wanted:
        names = {name for org, name in wanted if org == organisation}
        names |= {name for org, name in wanted if org is None and name in offered}
    elif for_purpose:
        names = set(for_purpose)
    else:
        names = offered if organisation in request.peers else set()
    return [Target(name, for_purpose.get(name) or _any(offers, name)) for name in sorted(names)]


def offered_for(purpose: str, collection: str, offers: Sequence[Offer]) -> bool:
    """Whether a collection is among what a partner offers for a purpose."""
    return any(o.collection == collection and purpose in o.purposes for o in offers)


def affordable(request: AskRequest, chosen: Sequence[Target]) -> list[Target]:
    """Return what of a partner's collections is asked: all that was named, else the first few."""
    return list(chosen if request.collections else chosen[:UNNAMED_COLLECTIONS])


def require_somebody(
    request: AskRequest, partners: Sequence[str], own: Sequence[str], names: Sequence[str]
) -> None:
    """Raise NothingToAsk where neither partners nor own collections are to be asked.

    `names` are all own collections, `own` those of them that are meant.
    """
    if not partners and not own:
        if request.collections and request.own:
            raise NothingToAsk(
                f"There is no own collection {', '.join(request.collections)}, and no active "
                f"partner that could have it. Own collections: {', '.join(names) or 'none'}.",
                fix="interlingua collection list; a partner's is named ORGANISATION/COLLECTION",
            )
        raise NothingToAsk(
            "There is no active partner and no own collection to ask.",
            fix="interlingua peer list; interlingua collection list",
        )


def is_named(request: AskRequest, organisation: str) -> bool:
    """Whether a person means this partner: by its name, or by that of a collection of its own."""
    return organisation in request.peers or organisation in {org for org, _ in _named(request)}


def nothing_chosen(request: AskRequest, organisation: str, offers: Sequence[Offer]) -> str:
    """Say why nothing of a partner is asked: what was named, and what it offers."""
    offered = ", ".join(sorted(o.collection for o in offers if request.purpose in o.purposes))
    if not _named(request) or not offered:
        return f"{organisation} offers nothing for the purpose {request.purpose}"
    meant = ", ".join(sorted(name for org, name in _named(request) if org in (None, organisation)))
    return (
        f"{organisation} offers no {meant}; for the purpose {request.purpose} it offers {offered}"
    )


def _any(offers: Sequence[Offer], name: str) -> Offer | None:
    return next((offer for offer in offers if offer.collection == name), None)


def _named(request: AskRequest) -> set[tuple[str | None, str]]:
    """The collections that the request names, as (organisation or None, name)."""
    split = (name.rpartition("/") for name in request.collections)
    return {(organisation or None, name) for organisation, _, name in split}
