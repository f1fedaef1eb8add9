"""How long a map takes: one question through it beside the bare product, and a fit with its choice.

The bare product is what cannot be avoided: one (1, d) by (d, d) product in numpy, same process.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from adapters.affine import AffineMap
from adapters.choose import candidates, choose
from adapters.map import Floats
from adapters.quality import HeldOut

REPEATS = 2000
CALLS = 20


@dataclass(frozen=True)
class Applied:
    """Microseconds for one question: least of several repeats, and their median."""

    width: int
    product_us: float
    apply_us: float
    product_median_us: float
    apply_median_us: float

    @property
    def over_us(self) -> float:
        """What the map takes beyond the product."""
        return self.apply_us - self.product_us


@dataclass(frozen=True)
class Fitted:
    """Seconds to fit all candidates on so many pairs, and to choose among them."""

    pairs: int
    width: int
    candidates: int
    fit_s: float
    choose_s: float


def applied(width: int = 384, seed: int = 0) -> Applied:
    """Time one question of `width` components through a map of that width."""
    rng = np.random.default_rng(seed)
    weight = rng.normal(size=(width, width)).astype(np.float32)
    bias = rng.normal(size=width).astype(np.float32)
    question = rng.normal(size=(1, width)).astype(np.float32)
    one = AffineMap("ridge", weight, bias, "a", "b")
    transposed = np.ascontiguousarray(weight.T)
    product, mapped = [], []
    for _ in range(REPEATS):  # in turns, so that a busy machine slows both
        product.append(_microseconds(lambda: question @ transposed))
        mapped.append(_microseconds(lambda: one.apply(question)))
    return Applied(
        width, min(product), min(mapped), float(np.median(product)), float(np.median(mapped))
    )


def fitted(pairs: int = 20_000, width: int = 384, seed: int = 0) -> Fitted:
    """Time fitting every candidate on made-up pairs and choosing by 1,000 known items."""
    rng = np.random.default_rng(seed)
    held_out = 1000
    meaning = rng.normal(size=(pairs + held_out, width))
    source = _unit(meaning @ np.linalg.qr(rng.normal(size=(width, width)))[0])
    target = _unit(meaning + 0.5 * rng.normal(size=meaning.shape))
    began = time.perf_counter()
    maps = candidates(source[:pairs], target[:pairs], "a", "b")
    between = time.perf_counter()
    part = HeldOut(source[pairs:], source[pairs:], target[pairs:], target[pairs:])
    choose([(each,) for each in maps], part)
    return Fitted(pairs, width, len(maps), between - began, time.perf_counter() - between)


def _microseconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - began) / CALLS * 1e6


def _unit(rows: np.ndarray) -> Floats:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)
