"""Ways in which a text finds documents of a collection: by one version, over a bridge, or by both.

The rule of this file: a question is encoded by the model of the index that it is searched in, or
its vectors are carried there by a map; and what is judged is what would be answered.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import numpy as np

from node.collections.bridge import Bridge
from node.collections.collection import Collection
from node.collections.merging import by_places
from node.collections.standing import Standing
from node.collections.version import Version
from node.encoders.encoder import Encoder
from node.index.located import Located
from node.index.similarity import FloatArray, Nearness

Find = Callable[[Sequence[str], int], Awaitable[list[list[int]]]]
Among = Callable[[Sequence[str], Sequence[str]], Awaitable[list[list[int]]]]
Encode = Callable[[Sequence[str]], Awaitable[FloatArray]]

BATCH = 64


@dataclass(frozen=True, slots=True)
class Finder:
    """One way in which texts find something; both raise EncoderError.

    `find`: (texts, k) -> the keys of the documents that each text finds, best first. `among`:
    (texts, others) -> for each text the places of the other texts, which are no documents of the
    collection, by how near they are.
    """

    find: Find
    among: Among


def natively(version: Version) -> Finder:
    """Find by a version's own model."""

    async def find(texts: Sequence[str], k: int) -> list[list[int]]:
        rows = await version.encoder.encode(texts, "query")
        return await _keys(version, Located(version.encoder.envelope.space_id, rows), k)

    async def asked(texts: Sequence[str]) -> FloatArray:
        return await version.encoder.encode(texts, "query")

    return Finder(find, _among(version, asked))


def over(version: Version, encoder: Encoder, bridge: Bridge) -> Finder:
    """Find in a version by another model, whose questions are carried over a bridge."""

    async def find(texts: Sequence[str], k: int) -> list[list[int]]:
        rows = bridge.forth.apply(await encoder.encode(texts, "query"))
        return await _keys(version, Located(bridge.target, rows), k)

    async def asked(texts: Sequence[str]) -> FloatArray:
        return bridge.forth.apply(await encoder.encode(texts, "query"))

    return Finder(find, _among(version, asked))


def by_both(collection: Collection, old: Version, new: Version) -> Finder:
    """Find by an old version and the new one, each by its own model, in one list.

    What is no document of the collection is found by the new model, whose judgment is wanted.
    """
    covered = collection.covered_in(new)

    async def find(texts: Sequence[str], k: int) -> list[list[int]]:
        before = await natively(old).find(texts, k)
        there = await asyncio.to_thread(covered, {key for one in before for key in one})
        after = await natively(new).find(texts, k)
        merged = []
        for one, two in zip(before, after, strict=True):
            lists = one, two
            merged.append([lists[row.new][row.at] for row in by_places(one, two, there)])
        return merged

    return Finder(find, natively(new).among)


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


def _among(version: Version, asked: Encode) -> Among:
    async def among(texts: Sequence[str], others: Sequence[str]) -> list[list[int]]:
        async def stored(part: Sequence[str]) -> FloatArray:
            return await version.encoder.encode(part, "document")

        nearness = Nearness.of(version.encoder.envelope)
        rows, questions = await _in_parts(stored, others), await _in_parts(asked, texts)
        scores = nearness.scores(nearness.query_form(questions), rows, nearness.norms(rows))
        order: list[list[int]] = (-scores).argsort(axis=1, kind="stable").tolist()
        return order

    return among


async def _in_parts(encode: Encode, texts: Sequence[str]) -> FloatArray:
    parts = [texts[first : first + BATCH] for first in range(0, len(texts), BATCH)]
    return np.concatenate([await encode(part) for part in parts])
