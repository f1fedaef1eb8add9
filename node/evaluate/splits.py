"""Which silo holds which document: at random, by topic, or by a field of the data set.

A random split gives silos that are alike, so that any sensible merge does well. A topical one is
what federations are: organisations that hold different things, of which one may know it all. The
same data, number and seed give the same split.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.evaluate.errors import CannotSplit

FloatArray = NDArray[np.float32]
Silos = NDArray[np.int64]

ROUNDS = 50
RANDOM, TOPIC, FIELD = "random", "topic", "field:"


def require_known(how: str, metadata: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise CannotSplit for an unknown way or a field that is not there, before any encoding."""
    if how.startswith(FIELD):
        name = how.removeprefix(FIELD)
        missing = sum(each.get(name) is None for each in metadata.values())
        if missing:
            raise CannotSplit(
                f"{missing} of {len(metadata)} documents have no field {name}",
                fix="Name a field that every line of corpus.jsonl has, in itself or its metadata.",
            )
    elif how not in (RANDOM, TOPIC):
        raise CannotSplit(
            f"{how!r} is no way to split", fix=f"Choose {RANDOM}, {TOPIC} or {FIELD}NAME."
        )


def split_documents(
    how: str,
    documents: Sequence[str],
    metadata: Mapping[str, Mapping[str, Any]],
    vectors: FloatArray,
    silos: int,
    seed: int,
) -> Silos:
    """Return the silo, 0 to silos - 1, of each of n documents as (n,) int64.

    `how` is `random`, `topic` or `field:NAME`; `vectors` (n, d), rows of length 1, tell the topics.

    Raises:
        CannotSplit: an unknown way, a field that is not there, or a silo would hold nothing.
    """
    require_known(how, metadata)
    if how == RANDOM:
        found = at_random(len(documents), silos, seed)
    elif how == TOPIC:
        found = by_topic(vectors, silos, seed)
    else:
        name = how.removeprefix(FIELD)
        found = by_value([metadata[key][name] for key in documents], silos)
    held = np.bincount(found, minlength=silos)
    if not held.all():
        raise CannotSplit(
            f"split by {how}, {int((held == 0).sum())} of {silos} silos hold no document",
            fix="Choose fewer silos or another split.",
        )
    return found


def at_random(documents: int, silos: int, seed: int) -> Silos:
    """Deal documents out in a seeded order, so that no two silos differ by more than one."""
    return np.random.default_rng(seed).permutation(np.arange(documents) % silos)


def by_topic(vectors: FloatArray, silos: int, seed: int) -> Silos:
    """Cluster (n, d) rows of length 1 by spherical k-means with spread-out first centres.

    Dhillon and Modha, "Concept decompositions" (Machine Learning 42, 2001); first centres as in
    Arthur and Vassilvitskii, "k-means++" (SODA 2007).
    """
    if len(vectors) < silos:
        raise CannotSplit(f"{len(vectors)} documents for {silos} silos", fix="Choose fewer silos.")
    centres = _first_centres(vectors, silos, np.random.default_rng(seed))
    nearest = np.argmax(vectors @ centres.T, axis=1)
    for _ in range(ROUNDS):
        for silo in range(silos):
            total = vectors[nearest == silo].sum(axis=0)
            length = float(np.linalg.norm(total))
            if length > 0.0:
                centres[silo] = total / length
        before, nearest = nearest, np.argmax(vectors @ centres.T, axis=1)
        if np.array_equal(before, nearest):
            break
    return np.asarray(nearest, dtype=np.int64)


def _first_centres(vectors: FloatArray, silos: int, rng: np.random.Generator) -> FloatArray:
    chosen = [int(rng.integers(len(vectors)))]
    while len(chosen) < silos:
        apart = np.clip(1.0 - (vectors @ vectors[chosen].T).max(axis=1), 0.0, None).astype(float)
        apart[chosen] = 0.0
        if not apart.any():
            raise CannotSplit(
                f"the documents have fewer than {silos} different vectors",
                fix="Choose fewer silos.",
            )
        chosen.append(int(rng.choice(len(vectors), p=apart / apart.sum())))
    return vectors[chosen].copy()


def by_value(values: Sequence[Any], silos: int) -> Silos:
    """Keep documents of one value together; the largest group goes to the emptiest silo."""
    said = [str(value) for value in values]
    held = [0] * silos
    silo_of: dict[str, int] = {}
    for value, number in sorted(Counter(said).items(), key=lambda each: (-each[1], each[0])):
        silo_of[value] = held.index(min(held))
        held[silo_of[value]] += number
    return np.array([silo_of[value] for value in said], dtype=np.int64)
