"""At the owner: from a partner's reference back to the record, when the partner asks for it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from node.federation.peers import PeerBook
from node.federation.references import ReferenceForeign, References

if TYPE_CHECKING:
    from node.collections.registry import Collections


@dataclass(frozen=True)
class Resolved:
    """Whose reference it is, and for which record; `external_id` is None when it was deleted."""

    peer: str
    collection: str
    epoch: int
    external_id: str | None
    uri: str | None


def resolve(
    reference: str,
    references: References,
    peers: PeerBook,
    collections: "Collections",
    peer: str | None = None,
    collection: str | None = None,
) -> Resolved:
    """Return the record behind a reference; peer and collection are found where not named.

    Trying every pair is safe: a pair for which the reference was not made fails its 64-bit tag. A
    record that was deleted stays gone: internal keys are never used again. Raises ReferenceForeign.
    """
    # peers are tried in every state: a revoked partner's reference still names its record
    peer_names = [peer] if peer else [each.organisation for each in peers.all()]
    names = [collection] if collection else [each.name for each in collections.all()]
    for peer_name in peer_names:
        for name in names:
            try:
                key, epoch = references.resolve(peer_name, name, reference)
            except ReferenceForeign:
                continue
            record = collections.get(name).describe(key)
            return Resolved(
                peer_name,
                name,
                epoch,
                record.external_id if record else None,
                record.uri if record else None,
            )
    raise ReferenceForeign(
        f"{reference[:64]!r} is no reference that this node gave"
        + (f" to {peer}" if peer else " to a partner")
        + (f" for the collection {collection}" if collection else ""),
        fix="Ask the partner for the whole reference."
        if peer
        else "Where it was given to a partner that was removed since, name it: --peer ORGANISATION",
    )
