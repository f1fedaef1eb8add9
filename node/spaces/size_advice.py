"""How many anchors are enough: what was reached with fewer, and what twice as many would bring.

The rule of this file: it is measured on the way on which most is to be gained or lost, from one
member to another through the shared space, ridge in and ridge out, because regression feeds on
anchors most. The consensus stays as it is; only the two maps are fitted again on fewer.
"""

from collections.abc import Sequence
from itertools import permutations

import numpy as np
from pydantic import BaseModel, ConfigDict

from adapters.choose import AFFINE_FITS
from adapters.errors import FitRefused, TooFewPairs
from adapters.learning import learning_curve
from adapters.map import Chain
from adapters.metrics import Estimate
from node.spaces.embedding_file import AnchorEmbeddings
from node.spaces.maps import Ground, Rows, held_out

KIND = "ridge"


class SizePoint(BaseModel):
    """MRR of validation anchors with maps fitted on so many anchors."""

    model_config = ConfigDict(frozen=True)

    anchors: int
    mrr: Estimate


class SizeAdvice(BaseModel):
    """The learning curve of the way from one member to another.

    `points` by ascending number of anchors that were fitted on, the last being all. `doubled` is
    the gain in MRR that twice as many should bring, extrapolated, with a 95% interval.
    """

    model_config = ConfigDict(frozen=True)

    asker: str
    responder: str
    points: list[SizePoint]
    doubled: Estimate


def size_advice(ground: Ground, members: Sequence[AnchorEmbeddings]) -> SizeAdvice | None:
    """Return what the number of anchors does between the first two members of different models.

    None where there are no two, or too few anchors to leave some out.
    """
    pairs = ((a, b) for a, b in permutations(members, 2) if a.space_id != b.space_id)
    asker, responder = next(pairs, (None, None))
    if asker is None or responder is None:
        return None
    one, other = asker, responder
    places = ground.positions.rows
    rows = np.flatnonzero(one.usable[places] & other.usable[places])

    def fit(some: Rows) -> Chain:
        shared = ground.positions.positions[some]
        into = AFFINE_FITS[KIND](one.document[places[some]], shared, one.space_id, ground.hub)
        native = other.document[places[some]]
        return into, AFFINE_FITS[KIND](shared, native, ground.hub, other.space_id)

    part = held_out(ground, ground.anchors.split.validation, one, other)
    try:
        curve = learning_curve(fit, rows, part)
    except (TooFewPairs, FitRefused):
        return None
    return SizeAdvice(
        asker=one.organisation,
        responder=other.organisation,
        points=[SizePoint(anchors=each.anchors, mrr=each.mrr) for each in curve.points],
        doubled=curve.doubled,
    )
