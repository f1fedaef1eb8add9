"""Which map: the one that finds most known items on anchors that no fit has seen.

The rule of this file: candidates are compared by MRR of the validation anchors' query views against
their document views, question by question. Never by cosine, which picked the best map in a fifth of
the cases where known items picked it in nineteen of twenty, and never by overlap, which is
agreement and not quality.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from adapters.affine import AffineMap
from adapters.map import Chain, Floats, Map
from adapters.metrics import Estimate, estimate, paired_difference
from adapters.mixture import PAIRS_A_CLUSTER, fit_mixture
from adapters.procrustes import fit_procrustes, mean_shares
from adapters.quality import HeldOut, known_item_values
from adapters.ridge import fit_ridge
from adapters.shrunk import fit_shrunk

AFFINE_FITS = {"procrustes": fit_procrustes, "ridge": fit_ridge, "shrunk": fit_shrunk}
"""The kinds that are fitted and chosen among, simpler ones first."""


@dataclass(frozen=True)
class Choice:
    """The chosen candidate.

    Attributes:
        index: its number among the candidates.
        mrr: each candidate's MRR on the validation anchors.
        lead: by how much it leads the runner-up, paired; None where it was the only one.
    """

    index: int
    mrr: tuple[Estimate, ...]
    lead: Estimate | None


def choose(candidates: Sequence[Chain], validation: HeldOut) -> Choice:
    """Choose among chains of maps by known items; the first of equals wins.

    Raises:
        ValueError: there is no candidate.
    """
    if not candidates:
        raise ValueError("there is no map to choose from")
    values = [known_item_values(chain, validation) for chain in candidates]
    means = [float(v.mean()) for v in values]
    order = sorted(range(len(means)), key=lambda i: (-means[i], i))
    best = order[0]
    lead = paired_difference(values[best], values[order[1]]) if len(order) > 1 else None
    return Choice(best, tuple(estimate(v) for v in values), lead)


def candidates(
    source: Floats, target: Floats, source_space: str, target_space: str, *, unit: bool = True
) -> list[AffineMap]:
    """Fit each affine kind on (n, d) anchor pairs, simpler ones first, for each share of the mean.

    Raises:
        FitRefused: the anchors are degenerate (see adapters/errors.py).
    """
    tried = []
    for fit in AFFINE_FITS.values():
        whole = fit(source, target, source_space, target_space, unit=unit)
        added = _added(whole, source)
        tried += [
            replace(whole, bias=whole.bias - np.float32(1.0 - share) * added)
            for share in mean_shares(target)
        ]
    return tried


def question_candidates(
    source: Floats, target: Floats, source_space: str, target_space: str, *, unit: bool = True
) -> list[Map]:
    """Return `candidates`, and a mixture where there are anchors enough for one.

    For maps that only questions go through: documents are scored through affine ones alone.

    Raises:
        FitRefused: the anchors are degenerate.
    """
    affine = candidates(source, target, source_space, target_space, unit=unit)
    if len(source) < 2 * PAIRS_A_CLUSTER:
        return [*affine]
    local = fit_mixture(source, target, source_space, target_space, unit=unit)
    added = _added(affine[-1], source)  # of the shrunk map with all of the mean, as inside `local`
    return [
        *affine,
        *(
            replace(local, bias=local.bias - np.float32(1.0 - share) * added)
            for share in mean_shares(target)
        ),
    ]


def _added(whole: AffineMap, source: Floats) -> Floats:
    """Return what a map with all of the target's mean adds of it: (d_out,)."""
    return np.asarray(whole.bias + whole.weight @ source.mean(axis=0), dtype=np.float32)
