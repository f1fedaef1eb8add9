"""How often a mapped question finds what the own model would find: measured in the own collection.

The rule of this file: agreement is measured on questions that both sides have embedded, in the
documents that are really asked. The shared sample questions are query views of the test part of the
anchor set: every member has them, their digests are pinned with the anchors, and no map was fitted
or chosen on them. Agreement is not quality: a better asker may agree little with a worse responder.
"""

from collections.abc import Awaitable, Callable, Sequence

import numpy as np

from adapters.map import Floats
from adapters.metrics import Estimate, estimate
from adapters.quality import mapped
from node.spaces.maps import Ground, Party
from node.spaces.pairs import PairQuality

SAMPLE = 100
"""Shared questions asked at most; a hundred predict agreement on others within 0.015."""

DEPTH = 10
LEAST_DOCUMENTS = 10 * DEPTH
"""Fewer documents than this agree by chance."""

Search = Callable[[Floats], Awaitable[Sequence[Sequence[int]]]]
"""Returns for each of n vectors in the own space the keys of the `DEPTH` nearest documents."""


async def measured_agreement(
    ground: Ground, parties: Sequence[Party], pairs: Sequence[PairQuality], search: Search
) -> dict[str, Estimate]:
    """Return, by asker's space, the overlap@10 of its mapped questions with the own ones.

    `parties` are the own one and then the others, `pairs` what was measured between them.
    """
    me, known = parties[0], {each.embeddings.space_id: each for each in parties[1:]}
    found: dict[str, Estimate] = {}
    for pair in pairs:
        asker = known.get(pair.asker_space)
        if asker is None or pair.responder_space != me.embeddings.space_id:
            continue
        test = ground.anchors.split.test
        both = asker.embeddings.usable & me.embeddings.usable
        rows = test[both[test]][:SAMPLE]
        if not len(rows):
            continue
        chain = (asker.inward[pair.in_kind], me.outward[pair.out_kind])
        theirs = await search(mapped(asker.embeddings.query[rows], chain))
        ours = await search(me.embeddings.query[rows])
        shares = [len({*a} & {*b}) / max(len(b), 1) for a, b in zip(theirs, ours, strict=True)]
        found[pair.asker_space] = estimate(np.array(shares))
    return found


def over_askers(figures: Sequence[Estimate]) -> Estimate | None:
    """Return one figure for several askers: the mean, between the lowest and highest end of any."""
    if not figures:
        return None
    return Estimate(
        float(np.mean([each.value for each in figures])),
        min(each.low for each in figures),
        max(each.high for each in figures),
    )
