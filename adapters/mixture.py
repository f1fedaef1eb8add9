"""Local maps that share the work softly: each region of the source space has its own.

    y = sum_k p_k(x) (W_k x + b_k),    p(x) = softmax(G x + g)

After "Local Drift-Adapters" (jeanmemory.com, 2026), which fits a map for each cluster where
Vejendla, "Drift-Adapter" (EMNLP 2025), fits one for all. Here a local map is the global map plus a
correction, fitted to what the global one leaves over and drawn towards none at all, so that a
region with few anchors keeps the global map. The regions are in `adapters.regions`.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from adapters.affine import AffineMap, bring_to_length_one, wrong_width
from adapters.errors import NotFinite, TooFewPairs, WrongDimension
from adapters.map import Floats, Kind
from adapters.pairs import CentredPairs, Doubles, centre
from adapters.regions import regions
from adapters.regression import mean_eigenvalue, towards
from adapters.shrunk import fit_shrunk

PAIRS_A_CLUSTER = 4000
MOST_CLUSTERS = 8
PRIOR_PAIRS = 4000
"""How many pairs the global map counts for against those of a region."""


@dataclass(frozen=True, eq=False)
class MixtureMap:
    """A map (`adapters.map.Map`) of k local ones.

    Attributes:
        weight: (k, d_out, d_in) float32, bias: (k, d_out) float32 of the local maps.
        gate: (k, d_in) float32, gate_bias: (k,) float32: which of them count for a vector.
        source, target, unit: as in `adapters.map.Map`.
    """

    weight: Floats
    bias: Floats
    gate: Floats
    gate_bias: Floats
    source: str
    target: str
    unit: bool = True

    def __post_init__(self) -> None:
        clusters = self.weight.shape[:1]
        if (
            self.weight.ndim != 3
            or self.bias.shape != self.weight.shape[:2]
            or self.gate.shape != clusters + self.weight.shape[2:]
            or self.gate_bias.shape != clusters
        ):
            raise WrongDimension(
                "a mixture needs (k, d_out, d_in) weights, (k, d_out) biases, a (k, d_in) gate and"
                " its (k,) bias"
            )
        parts = (self.weight, self.bias, self.gate, self.gate_bias)
        if not all(np.isfinite(part).all() for part in parts):
            raise NotFinite("a mixture's weights, biases or gate are not finite; fit it again")

    @property
    def kind(self) -> Kind:
        """Always `mixture`."""
        return "mixture"

    @property
    def d_in(self) -> int:
        """Width of the source space."""
        return int(self.weight.shape[2])

    @property
    def d_out(self) -> int:
        """Width of the target space."""
        return int(self.weight.shape[1])

    def shares(self, vectors: Floats) -> Floats:
        """Return how much each local map counts for (n, d_in) vectors: (n, k), rows of sum 1."""
        logits = vectors @ self.gate.T + self.gate_bias
        logits -= logits.max(axis=1, keepdims=True)
        np.exp(logits, out=logits)
        return np.asarray(logits / logits.sum(axis=1, keepdims=True), dtype=np.float32)

    def apply(self, vectors: Floats) -> Floats:
        """Map (n, d_in) float32 vectors; returns (n, d_out) float32. Raises WrongDimension."""
        if vectors.ndim != 2 or vectors.shape[1] != self.d_in:
            raise wrong_width(vectors, self.d_in)
        shares = self.shares(vectors)
        mapped = shares @ self.bias
        for share, local in zip(shares.T, self._transposed, strict=True):
            mapped += (share[:, None] * vectors) @ local
        if self.unit:
            bring_to_length_one(mapped)
        return mapped

    @cached_property
    def _transposed(self) -> list[Floats]:
        return [np.ascontiguousarray(local.T) for local in self.weight]


def fit_mixture(
    source: Floats,
    target: Floats,
    source_space: str,
    target_space: str,
    *,
    prior_pairs: float = PRIOR_PAIRS,
    pairs_a_cluster: int = PAIRS_A_CLUSTER,
    mean_share: float = 1.0,
    unit: bool = True,
) -> MixtureMap:
    """Fit one local map for every `pairs_a_cluster` of the (n, d) anchor pairs.

    Raises:
        TooFewPairs: not enough for two of them.
        FitRefused: the anchors are degenerate (see adapters/errors.py).
    """
    pairs = centre(source, target)
    count = min(len(source) // pairs_a_cluster, MOST_CLUSTERS)
    if count < 2:
        raise TooFewPairs(
            f"{len(source)} anchor pairs; a mixture needs at least {2 * pairs_a_cluster}"
        )
    whole = fit_shrunk(source, target, source_space, target_space, mean_share=mean_share)
    gate = regions(pairs.source, count)
    local = [_correction(pairs, whole, share, prior_pairs) for share in gate.shares(pairs.source).T]
    weight = whole.weight + np.stack([turn for turn, _ in local])
    bias = whole.bias + np.stack([shift - turn @ pairs.source_mean for turn, shift in local])
    return MixtureMap(
        weight.astype(np.float32),
        bias.astype(np.float32),
        gate.weight.astype(np.float32),
        (gate.bias - gate.weight @ pairs.source_mean).astype(np.float32),
        source_space,
        target_space,
        unit,
    )


def _correction(
    pairs: CentredPairs, whole: AffineMap, share: Doubles, prior_pairs: float
) -> tuple[Doubles, Doubles]:
    """Return the (d_out, d_in) weight and (d_out,) shift that a region adds to the whole map.

    They are fitted to what the whole map leaves over, each pair counting by its (n,) share in the
    region, and drawn towards zero as by `prior_pairs` pairs for which the whole map is right.
    """
    left = pairs.target - pairs.source @ whole.weight.T.astype(np.float64)
    size = float(share.sum())
    source_mean, left_mean = share @ pairs.source / size, share @ left / size
    roots = np.sqrt(share)[:, None]
    local = CentredPairs(
        roots * (pairs.source - source_mean), roots * (left - left_mean), source_mean, left_mean
    )
    strength = prior_pairs * mean_eigenvalue(pairs) / len(share)
    weight = towards(local, None, strength)
    return weight, (left_mean - weight @ source_mean) * size / (size + prior_pairs)
