"""How often a mapped question finds what the own model would find, in the own collection.

The rule of this file: agreement depends on what is asked, so it is measured with questions of the
collection's field that both sides have embedded: shared sample questions. A hundred of them tell it
within 0.015. Without them the anchors' questions are asked of the own collection, and the figure is
called an estimate: over six ordered pairs of real models and questions of another field than the
anchors it was off by 0.08 on average and 0.18 at most, which its interval includes. Agreement is
not quality: a better asker may agree little with a worse responder.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from adapters.map import Floats
from adapters.metrics import Estimate, estimate
from adapters.quality import mapped
from node.spaces.embedding_file import AnchorEmbeddings
from node.spaces.errors import EmbeddingsRefused
from node.spaces.maps import Ground, Party
from node.spaces.pairs import PairQuality

SAMPLE = 100
"""Questions asked at most."""

DEPTH = 10
LEAST_DOCUMENTS = 10 * DEPTH
"""Fewer documents than this agree by chance."""

OTHER_FIELD = 0.19
"""Half the width of the interval for questions that are not of the anchors' field."""

Search = Callable[[Floats], Awaitable[Sequence[Sequence[int]]]]
"""Returns for each of n vectors in the own space the keys of the `DEPTH` nearest documents."""


@dataclass(frozen=True)
class Agreement:
    """The share of common documents among ten; `measured` on shared sample questions, else not."""

    figure: Estimate
    measured: bool
    questions: int


@dataclass(frozen=True, eq=False)
class Samples:
    """Shared sample questions as embedded here and by others, by space."""

    own: AnchorEmbeddings | None = None
    others: Mapping[str, AnchorEmbeddings] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for each in self.others.values():
            if self.own is None or each.anchors != self.own.anchors:
                raise EmbeddingsRefused(
                    f"the sample questions of {each.organisation} are others than those embedded "
                    "here",
                    fix="Both sides import and embed the same file: interlingua anchors import.",
                )


async def agreement(
    ground: Ground,
    parties: Sequence[Party],
    pairs: Sequence[PairQuality],
    search: Search,
    samples: Samples,
) -> dict[str, Agreement]:
    """Return the agreement by asker's space.

    `parties` are the own one and then the others, `pairs` what was measured between them.
    """
    me, known = parties[0], {each.embeddings.space_id: each for each in parties[1:]}
    found: dict[str, Agreement] = {}
    for pair in pairs:
        asker = known.get(pair.asker_space)
        if asker is None or pair.responder_space != me.embeddings.space_id:
            continue
        shared = samples.others.get(pair.asker_space)
        theirs, ours = _questions(ground, asker.embeddings, me.embeddings, shared, samples.own)
        if not len(ours):
            continue
        chain = (asker.inward[pair.in_kind], me.outward[pair.out_kind])
        lists = zip(await search(mapped(theirs, chain)), await search(ours), strict=True)
        shares = np.array([len({*a} & {*b}) / max(len(b), 1) for a, b in lists])
        figure = estimate(shares)
        if shared is None:
            figure = _of_another_field(figure)
        found[pair.asker_space] = Agreement(figure, shared is not None, len(ours))
    return found


def over_askers(found: Sequence[Agreement]) -> dict[str, Estimate]:
    """Return one figure for several askers under its name on the card; none without any.

    Measured ones before estimated ones: the mean, between the lowest and the highest end of any.
    """
    measured = [each.figure for each in found if each.measured]
    figures = measured or [each.figure for each in found]
    if not figures:
        return {}
    pooled = Estimate(
        float(np.mean([each.value for each in figures])),
        min(each.low for each in figures),
        max(each.high for each in figures),
    )
    return {"agreement_10" if measured else "agreement_10_estimated": pooled}


def _questions(
    ground: Ground,
    asker: AnchorEmbeddings,
    own: AnchorEmbeddings,
    shared: AnchorEmbeddings | None,
    own_shared: AnchorEmbeddings | None,
) -> tuple[Floats, Floats]:
    """Return the same questions as the asker's and the own model make them."""
    if shared is not None and own_shared is not None:
        asker, own = shared, own_shared
        rows = np.arange(len(own.query))
    else:
        rows = ground.anchors.split.test
    rows = rows[(asker.usable & own.usable)[rows]][:SAMPLE]
    return asker.query[rows], own.query[rows]


def _of_another_field(figure: Estimate) -> Estimate:
    low, high = figure.low - OTHER_FIELD, figure.high + OTHER_FIELD
    return Estimate(figure.value, max(low, 0.0), min(high, 1.0))
