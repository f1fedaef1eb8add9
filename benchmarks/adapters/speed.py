"""How long a map takes: one question through it beside the bare product, and a fit with its choice.

The bare product is what cannot be avoided: one (1, d) by (d, d) product in numpy, same process.
The made-up target has a large mean, so that every kind is fitted with every share of it.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from adapters.affine import AffineMap
from adapters.choose import choose, question_candidates
from adapters.map import Floats
from adapters.mixture import MixtureMap
from adapters.quality import HeldOut

REPEATS = 2000
CALLS = 20
LOCAL_MAPS = 5


@dataclass(frozen=True)
class Applied:
    """Microseconds for one question: least of several repeats, and their median.

    `mixture_us` is the least through a mixture of five local maps.
    """

    width: int
    product_us: float
    apply_us: float
    product_median_us: float
    apply_median_us: float
    mixture_us: float

    @property
    def over_us(self) -> float:
        """What the map takes beyond the product."""
        return self.apply_us - self.product_us


@dataclass(frozen=True)
class Fitted:
    """Seconds to fit all candidates on so many pairs, and to choose among them.

    `processor_s` is the processor's time for both, which a busy machine does not lengthen much;
    `memory_mb` is by how much the process grew at most meanwhile.
    """

    pairs: int
    width: int
    candidates: int
    fit_s: float
    choose_s: float
    processor_s: float
    memory_mb: float


def applied(width: int = 384, seed: int = 0) -> Applied:
    """Time one question of `width` components through a map of that width."""
    rng = np.random.default_rng(seed)
    weight = rng.normal(size=(width, width)).astype(np.float32)
    bias = rng.normal(size=width).astype(np.float32)
    question = rng.normal(size=(1, width)).astype(np.float32)
    one = AffineMap("ridge", weight, bias, "a", "b")
    transposed = np.ascontiguousarray(weight.T)
    several = _mixture(weight, bias, rng)
    product, mapped, local = [], [], []
    for _ in range(REPEATS):  # in turns, so that a busy machine slows all
        product.append(_microseconds(lambda: question @ transposed))
        mapped.append(_microseconds(lambda: one.apply(question)))
        local.append(_microseconds(lambda: several.apply(question)))
    product_median, mapped_median = float(np.median(product)), float(np.median(mapped))
    return Applied(width, min(product), min(mapped), product_median, mapped_median, min(local))


def fitted(pairs: int = 20_000, width: int = 384, seed: int = 0) -> Fitted:
    """Time fitting every candidate on made-up pairs and choosing by 1,000 known items."""
    rng = np.random.default_rng(seed)
    held_out = 1000
    meaning = rng.normal(size=(pairs + held_out, width))
    source = _unit(meaning @ np.linalg.qr(rng.normal(size=(width, width)))[0])
    target = _unit(meaning + 1.0 + 0.5 * rng.normal(size=meaning.shape))
    before = _peak_mb()
    began, used = time.perf_counter(), time.process_time()
    maps = question_candidates(source[:pairs], target[:pairs], "a", "b")
    between = time.perf_counter()
    part = HeldOut(source[pairs:], source[pairs:], target[pairs:], target[pairs:])
    choose([(each,) for each in maps], part)
    done, used = time.perf_counter(), time.process_time() - used
    grown = _peak_mb() - before
    return Fitted(pairs, width, len(maps), between - began, done - between, used, grown)


def _mixture(weight: Floats, bias: Floats, rng: np.random.Generator) -> MixtureMap:
    gate = rng.normal(size=(LOCAL_MAPS, len(bias))).astype(np.float32)
    several = np.stack([weight] * LOCAL_MAPS), np.stack([bias] * LOCAL_MAPS)
    return MixtureMap(*several, gate, gate[:, 0].copy(), "a", "b")


def _peak_mb() -> float:
    """The most memory that this process has had, in MB (Linux counts it in KB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _microseconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - began) / CALLS * 1e6


def _unit(rows: np.ndarray) -> Floats:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)
