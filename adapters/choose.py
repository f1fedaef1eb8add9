"""Which map: the one that finds most known items on anchors that no fit has seen.

The rule of this file: candidates are compared by MRR of the validation anchors' query views against
their document views, question by question. Never by cosine, which picked the best map in a fifth of
the cases where known items picked it in nineteen of twenty, and never by overlap, which is
agreement and not quality.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.affine import AffineMap
from adapters.map import Chain, Floats
from adapters.metrics import Estimate, estimate, paired_difference
from adapters.procrustes import fit_procrustes, mean_shares
from adapters.quality import HeldOut, known_item_values
from adapters.ridge import fit_ridge


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
    """Fit Procrustes and ridge on (n, d) anchor pairs, for each share of the mean worth trying.

    Raises:
        FitRefused: the anchors are degenerate (see adapters/errors.py).
    """
    return [
        fit(source, target, source_space, target_space, mean_share=share, unit=unit)
        for fit in (fit_procrustes, fit_ridge)
        for share in mean_shares(target)
    ]
