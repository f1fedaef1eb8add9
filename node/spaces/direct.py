"""The direct way between two members: one map from the asker's own space into the responder's.

The rule of this file: a direct map is one more candidate. Its kind is chosen by known items on the
validation part, as the pair of maps through the shared space is, and it is used only where it leads
that pair beyond chance. For documents that are found by it are scored in the asker's own space, and
lists of silos that are reached by different ways merge by rank alone.

Who holds both members' anchor embeddings can fit it, so both sides measure the same thing and come
to the same choice; the map itself never crosses.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from adapters.affine import AffineMap
from adapters.choose import candidates, question_candidates
from adapters.errors import FitRefused
from adapters.identity import fit_identity
from adapters.map import Chain, Floats, Map
from adapters.metrics import Estimate, estimate, paired_difference
from adapters.quality import known_item_values, route_values
from node.spaces.embedding_file import AnchorEmbeddings
from node.spaces.errors import EmbeddingsRefused
from node.spaces.maps import Ground, Party, held_out, scored_by


class DirectQuality(BaseModel):
    """How well one asker finds what a responder has, without the shared space between them.

    `mrr` is each kind's validation MRR, `kind` the best one's name. `lead` is its lead over the
    best pair of maps through the shared space, paired, below zero where that is better. `figures`
    are from the test part: mrr, ndcg_10, recall_10, overlap_10.
    """

    model_config = ConfigDict(frozen=True)

    kind: str
    mrr: dict[str, Estimate]
    lead: Estimate
    figures: dict[str, Estimate]
    held_out: int

    @property
    def is_used(self) -> bool:
        """Whether it is the better way, beyond chance."""
        return self.lead.low > 0


@dataclass(frozen=True, eq=False)
class Direct:
    """A direct map, and what was measured of it."""

    map: Map
    quality: DirectQuality


def fit_direct(ground: Ground, asker: Party, responder: Party, shared: Chain) -> Direct | None:
    """Fit the maps from the asker's space into the responder's, choose and measure the best one.

    `shared` are the maps of the best way through the shared space. None where both have one space.

    *Identity* is among the candidates: two cuts of one model need no map, and any other costs.

    Raises:
        EmbeddingsRefused: the embeddings of the two are degenerate together.
    """
    one, other = asker.embeddings, responder.embeddings
    if one.space_id == other.space_id:
        return None
    validation = held_out(ground, ground.anchors.split.validation, one, other)
    pairs, unit = _pairs(ground, one, other)
    with _refusing(one, other):
        tried = [*question_candidates(*pairs, unit=unit), fit_identity(*pairs, unit=unit)]
    values = [(each, known_item_values((each,), validation)) for each in tried]
    best, found = max(values, key=lambda pair: float(pair[1].mean()))
    kinds: dict[str, Estimate] = {}
    for each, value in sorted(values, key=lambda pair: -float(pair[1].mean())):
        kinds.setdefault(each.kind, estimate(value))
    test = held_out(ground, ground.anchors.split.test, one, other)
    quality = DirectQuality(
        kind=best.kind,
        mrr=kinds,
        lead=paired_difference(found, known_item_values(shared, validation)),
        figures={name: estimate(value) for name, value in route_values((best,), test).items()},
        held_out=len(test.source_questions),
    )
    return Direct(best, quality)


def fit_back(ground: Ground, asker: Party, responder: Party) -> AffineMap:
    """Fit the map by which the responder's documents are scored in the asker's own space.

    Chosen by known items: the asker's questions as they come, against the mapped documents.
    """
    one, other = asker.embeddings, responder.embeddings
    part = held_out(ground, ground.anchors.split.validation, one, other)
    pairs, unit = _pairs(ground, other, one)
    with _refusing(other, one):
        tried = [*candidates(*pairs, unit=unit), fit_identity(*pairs, unit=unit)]
    return max(
        tried,
        key=lambda each: float(known_item_values((), scored_by(part, each)).mean()),
    )


def _pairs(
    ground: Ground, one: AnchorEmbeddings, other: AnchorEmbeddings
) -> tuple[tuple[Floats, Floats, str, str], bool]:
    """Return what a map from `one` to `other` is fitted on, and whether it ends at length 1."""
    rows = ground.anchors.split.fit
    rows = rows[one.usable[rows] & other.usable[rows]]
    unit = other.envelope.normalisation == "l2"
    return (one.document[rows], other.document[rows], one.space_id, other.space_id), unit


@contextmanager
def _refusing(one: AnchorEmbeddings, other: AnchorEmbeddings) -> Iterator[None]:
    """Say between whom no map can be fitted."""
    try:
        yield
    except FitRefused as error:
        raise EmbeddingsRefused(
            f"no map can be fitted from {one.organisation} to {other.organisation}: {error}",
            fix="Check both members' embeddings, and that the anchor set is large enough.",
        ) from None
