"""The intrinsic dimension of the documents as measured, beside the one that they were made with.

The rule of this file: distances are exact, over all documents, from a seeded sample of them. The
estimate is that of two nearest neighbours (Facco, d'Errico, Rodriguez and Laio 2017, equation 5, as
maximum likelihood): d = (n - 1) / sum of ln(r2 / r1). Noise that every model adds raises it, and
dense collections are seen at a finer scale than sparse ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from adapters.metrics import top_k

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.one_node.asking import Node
    from benchmarks.one_node.synthetic import Floats

SAMPLE = 500


def intrinsic_dimension(node: Node) -> float:
    """Estimate it for a node's documents."""
    return estimated(node.documents(), SAMPLE)


def estimated(documents: Floats, sample: int) -> float:
    """Estimate it from so many of the documents (n, d), rows of length 1, without duplicates."""
    rng = np.random.default_rng(len(documents))
    chosen = rng.choice(len(documents), size=min(sample, len(documents)), replace=False)
    nearest = top_k(documents[chosen], documents, 3)  # a row, and two others
    first, second = (_distances(documents, chosen, nearest[:, place]) for place in (1, 2))
    ratios = np.log(second / first)
    return float((len(ratios) - 1) / ratios.sum())


def _distances(
    documents: Floats, rows: NDArray[np.int64], others: NDArray[np.int64]
) -> NDArray[np.float64]:
    apart = documents[rows].astype(np.float64) - documents[others]
    return np.asarray(np.linalg.norm(apart, axis=1))
