"""What is found out about a model before its encoder is kept: its width and its probe sketch.

The operator states names and prompts; what can be measured is measured. Where the sketch lies
within tolerance of a space already known (own encoders, partners' cards, an envelope that a partner
sent), that space's id is adopted; else the encoder mints its own.
"""

from collections.abc import Iterable

import numpy as np

from node.encoders.encoder import Encoder, FloatArray
from node.encoders.errors import EncoderFailed, EncoderMisconfigured
from node.encoders.live import sketch_distance
from protocol.envelope import Envelope
from protocol.probe import PROBE_TEXTS, TOLERANCE, ProbeUnusable, adopt, with_sketch


async def probe_vectors(encoder: Encoder) -> FloatArray:
    """Encode the probe texts in the document role: (24, d) float32, the model's own numbers."""
    return await encoder.encode_raw(PROBE_TEXTS, "document")


def measured(stated: Envelope, vectors: FloatArray, known: Iterable[Envelope]) -> Envelope:
    """Return the stated envelope with the sketch of the probe vectors, adopting a known space.

    Raises EncoderFailed when no sketch can be made of them, EncoderMisconfigured when they have
    another width than stated.
    """
    if vectors.shape[1] != stated.dimension:
        raise EncoderMisconfigured(
            f"the model gives {vectors.shape[1]} components and the envelope says "
            f"{stated.dimension}",
            fix="Correct one of them.",
        )
    try:
        return adopt(with_sketch(stated, vectors), known)
    except ProbeUnusable as error:
        raise EncoderFailed(
            f"the model gives no usable probe sketch: {error}",
            fix=(
                "Use a model that gives different texts different vectors; `--max-tokens` may be "
                "too small."
            ),
        ) from None


def given_probe(whole: Envelope, vectors: FloatArray, known: Iterable[Envelope]) -> Envelope:
    """Return a caller's envelope with the sketch of the probe vectors that the caller gave.

    Where the envelope has a sketch already, they must be its model's, and it stays. Raises as
    `measured` and `require_same` do.
    """
    if whole.probe is None:
        return measured(whole, vectors, known)
    require_same(whole, vectors)
    return whole


def require_same(stated: Envelope, vectors: FloatArray) -> None:
    """Raise EncoderMisconfigured unless the probe vectors are those of the envelope's own sketch.

    For an envelope that somebody else wrote: a partner, or an earlier `encoder test --json`.
    """
    apart = sketch_distance(stated, vectors)
    if apart is not None and apart > TOLERANCE:
        raise EncoderMisconfigured(
            "the model is not the one of the given envelope: the probe sketches lie "
            f"{apart:.3f} apart and {TOLERANCE} is the most that one model explains",
            fix=(
                "Check model, revision, prompts and quantisation, or leave the envelope out and "
                "mint a space of its own."
            ),
        )


def lengths(vectors: FloatArray) -> tuple[float, float]:
    """Return the smallest and the largest length of the vectors."""
    norms = np.linalg.norm(vectors, axis=1)
    return float(norms.min()), float(norms.max())
