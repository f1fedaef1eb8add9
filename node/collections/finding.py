"""Ways in which a text finds documents of a collection: by one version, over a bridge, or by both.

The rule of this file: a question is encoded by the model of the index that it is searched in, or
its vectors are carried there by a map; and what is judged is what would be answered.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import numpy as np

from node.collections.bridge import Bridge
from node.collections.collection import Collection
from node.collections.merging import by_places
from node.collections.standing import Standing
from node.collections.version import Version
from node.encoders.encoder import Encoder
from node.index.located import Located

Finder = Callable[[Sequence[str], int], Awaitable[list[list[int]]]]
"""(texts, k) -> the keys of what each text finds, best first. Raises EncoderError."""


def natively(version: Version) -> Finder:
    """Find by a version's own model."""

    async def find(texts: Sequence[str], k: int) -> list[list[int]]:
        rows = await version.encoder.encode(texts, "query")
        return await _keys(version, Located(version.encoder.envelope.space_id, rows), k)

    return find


def over(version: Version, encoder: Encoder, bridge: Bridge) -> Finder:
    """Find in a version by another model, whose questions are carried over a bridge."""

    async def find(texts: Sequence[str], k: int) -> list[list[int]]:
        rows = bridge.forth.apply(await encoder.encode(texts, "query"))
        return await _keys(version, Located(bridge.target, rows), k)

    return find


def by_both(collection: Collection, old: Version, new: Version) -> Finder:
    """Find by an old version and the new one, each by its own model, in one list."""
    covered = collection.covered_in(new)

    async def find(texts: Sequence[str], k: int) -> list[list[int]]:
        before = await natively(old)(texts, k)
        there = await asyncio.to_thread(covered, {key for one in before for key in one})
        after = await natively(new)(texts, k)
        merged = []
        for one, two in zip(before, after, strict=True):
            lists = one, two
            merged.append([lists[row.new][row.at] for row in by_places(one, two, there)])
        return merged

    return find


def of_course(collection: Collection, standing: Standing) -> Finder:
    """Find as questions are answered that a standing's course concerns."""
    course, bridge = standing.course, standing.asked_over
    if course is None:
        return natively(standing.serving)
    if bridge is not None:
        return over(standing.serving, collection.asked_by(standing), bridge)
    return by_both(collection, standing.serving, course.version)


async def _keys(version: Version, asked: Located, k: int) -> list[list[int]]:
    found = await version.search(asked, k, None)
    return [np.asarray(one.keys).tolist() for one in found]
