"""Bridges: maps between the spaces of a collection's old and new version, fitted on own documents.

The rule of this file: a bridge leads one way and can be gone back, for what is found on the other
side is scored where the question came from. It says what it loses: its figures are of documents
that neither fitting nor choosing has seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adapters.affine import AffineMap
from adapters.choose import candidates
from adapters.files import adapter_digest, decode_adapter, encode_adapter
from adapters.identity import fit_identity, fit_mean
from adapters.map import Floats
from adapters.metrics import overlap, top_k
from adapters.quality import HeldOut, QualityCard, measure
from adapters.split import split
from node.collections.errors import VersionNotFit
from node.store.bridge_rows import BridgeRow
from protocol.envelope import Envelope

Rows = NDArray[np.int64]

LEAST = 80
"""Fewer documents give no map worth its figures."""


@dataclass(frozen=True, eq=False)
class Bridge:
    """The map `forth` from the space `source` into `target`, and `back`.

    `adapter` is the digest of the file of `forth`, `card` what was measured of it.
    """

    source: str
    target: str
    forth: AffineMap
    back: AffineMap
    adapter: str
    card: QualityCard

    def row(self, collection: int) -> BridgeRow:
        """Return how it is kept: the way there alone, the way back is a bridge of its own."""
        file = encode_adapter(self.forth, self.card)
        return BridgeRow(collection, self.source, self.target, self.adapter, file)


@dataclass(frozen=True, eq=False)
class Sample:
    """Documents as two models see them, row i of all being one text.

    `asked` are the same texts in the role of questions, where models tell the roles apart; else the
    rows themselves. `digests` are of the texts: they decide who fits and who judges.
    """

    digests: Sequence[str]
    one: Floats
    other: Floats
    one_asked: Floats
    other_asked: Floats


def fit_both_ways(
    collection: int, sample: Sample, one: Envelope, other: Envelope
) -> tuple[BridgeRow, BridgeRow]:
    """Fit the maps one -> other and other -> one; blocking. Raises VersionNotFit, FitRefused."""
    if len(sample.digests) < LEAST:
        raise VersionNotFit(
            f"{len(sample.digests)} documents are too few for a map between two models",
            fix=f"It takes {LEAST} documents with a text; a small collection is encoded at once:"
            " `interlingua collection migrate`.",
        )
    back = Sample(sample.digests, sample.other, sample.one, sample.other_asked, sample.one_asked)
    return _fitted(collection, sample, one, other), _fitted(collection, back, other, one)


def _fitted(collection: int, sample: Sample, one: Envelope, other: Envelope) -> BridgeRow:
    """Fit, choose by agreement with the target's own model, and measure on further documents."""
    parts = split(sample.digests)
    fit, unit = parts.fit, other.normalisation == "l2"
    ends = one.space_id, other.space_id
    pairs = sample.one[fit], sample.other[fit]
    tried = candidates(*pairs, *ends, unit=unit)
    rest = np.concatenate([parts.validation, parts.test])
    chosen_on, test = rest[: len(rest) // 2], rest[len(rest) // 2 :]
    choosing = _held_out(sample, chosen_on, fit)
    best = max(tried, key=lambda each: _agreement(each, choosing))
    card = measure(
        (best,),
        {"identity": (fit_identity(*pairs, *ends, unit=unit),),
         "mean": (fit_mean(*pairs, *ends, unit=unit),)},
        _held_out(sample, test, fit),
        fitted_on=len(fit),
        chosen_on=len(chosen_on),
    )  # fmt: skip
    file = encode_adapter(best, card)
    return BridgeRow(collection, *ends, adapter_digest(file), file)


def _held_out(sample: Sample, asked: Rows, fit: Rows) -> HeldOut:
    rows = np.concatenate([asked, fit])
    return HeldOut(
        sample.one_asked[asked], sample.one[rows], sample.other_asked[asked], sample.other[rows]
    )


def _agreement(one: AffineMap, part: HeldOut) -> float:
    """The mean share of the target model's own first ten that the mapped questions find."""
    native = top_k(part.target_questions, part.target_documents)
    found = top_k(one.apply(part.source_questions), part.target_documents)
    return float(overlap(found, native).mean())


def opened(rows: Sequence[BridgeRow]) -> tuple[Bridge, ...]:
    """Return the bridges of one collection, in both directions."""
    stored = {
        (row.source, row.target): decode_adapter(row.file, row.adapter, row.source, row.target)
        for row in rows
    }
    bridges = []
    for (source, target), there in stored.items():
        back = stored.get((target, source))
        if back is None or there.quality is None:
            continue
        if isinstance(there.map, AffineMap) and isinstance(back.map, AffineMap):
            bridges.append(Bridge(source, target, there.map, back.map, there.digest, there.quality))
    return tuple(bridges)
