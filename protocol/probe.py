"""The probe sketch: a model's fingerprint in what it finds similar.

The rule of this file: a sketch is the cosines that a model gives among `PROBE_TEXTS`, one int8 for
each pair (i, j), i < j, ordered by i and then by j. It can be compared without the model and tells
nothing about private data. Names and revisions can be equal while vectors differ (a re-quantised,
re-exported or silently patched model); sketches then differ too, and so do the space ids, of which
the sketch is a part.

Two holders of one model never compute quite the same numbers, so equality is of no use: the first
holder's bytes stand in the id, and a later holder whose own sketch lies within `TOLERANCE` adopts
them (`adopt`). The texts and the quantisation are fixed for ever; other ones would be a new spec
version of the envelope.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from protocol.envelope import SKETCH_BYTES, SPACE_FIELDS, Envelope
from protocol.notation import from_base64url, to_base64url

PROBE_TEXTS: tuple[str, ...] = (
    "The nurse measured the patient's blood pressure before the operation.",
    "Before surgery, a nurse checked how high the patient's blood pressure was.",
    "The nurse did not measure the patient's blood pressure before the operation.",
    "High pressure over the sea will keep the coast dry until Thursday.",
    "Return the sorted list of keys, or raise an error if a key is missing.",
    "def mean(values): return sum(values) / len(values)",
    "How do I open a file and read it line by line?",
    "The tenant must return all keys to the landlord at the end of the lease.",
    "The court dismissed the appeal because it had been filed too late.",
    "Which side effects are known of this drug in children under twelve?",
    "A randomised trial of 248 patients found no difference after six months.",
    "Bread dough needs time: let it rise in a warm place until it has doubled.",
    "The orchestra played the slow movement faster than I have ever heard it.",
    "Migrating birds find their way by the stars and by the Earth's magnetic field.",
    "bank",
    "river bank",
    "central bank interest rate decision",
    "WARNING: disk 3 of 8 failed (code 0x1F); array is degraded!!!",
    "2 + 2 = 4, 3.14159, 1e-9, 50 %, 17:45, 2024-02-29",
    "Die Krankenschwester hat vor der Operation den Blutdruck des Patienten gemessen.",
    "Quels sont les effets secondaires connus de ce médicament chez l'enfant ?",
    "El tribunal desestimó el recurso por haberse presentado fuera de plazo.",
    "护士在手术前测量了病人的血压。",
    "قاست الممرضة ضغط دم المريض قبل العملية.",
)
"""Written for this purpose; public. Encoded in the document role, in this order."""

TOLERANCE = 0.006
"""Largest distance between sketches of one model (root mean square difference of cosines).

Measured with all-MiniLM-L6-v2 (384) by benchmarks/probe_tolerance.py. Within: vectors in float16
0.0005, in int8 0.001; the model in float16 0.001, in bfloat16 0.002; weights with 1 % noise 0.004,
rounded to int8 by row 0.005. Outside: weights with 3 % noise 0.009; 16 of the 384 components left
out 0.011; weights int6 0.015; pooling without the special tokens 0.017; a prompt `query: ` 0.073;
pooling cls 0.56.
"""

NEAR, RELATED = 0.03, 0.12
"""Up to where a distance has a known kind of cause. By the same benchmark: rounding weights
to six bits, leaving out up to an eighth of the components and pooling without the special tokens
stay below the first; prompts, rounding to four bits and cutting 384 components to 64 below the
second. A static model distilled from MiniLM lies 0.16 from it, random vectors 0.15.
"""

_SCALE = 127
_PAIRS = np.triu_indices(len(PROBE_TEXTS), k=1)


class ProbeUnusable(ValueError):
    """No sketch can be made of these vectors, or these bytes are no sketch."""


def sketch(vectors: NDArray[np.float32]) -> bytes:
    """Return the sketch of the vectors of `PROBE_TEXTS`, shape (24, d), in their order.

    Each cosine is multiplied by 127 and rounded half to even. A vector of zeros (a text in which
    the model knows no word) has the cosine 0 with every other. Raises ProbeUnusable for another
    shape, components that are not finite, or more zero vectors than others.
    """
    rows = np.asarray(vectors, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[0] != len(PROBE_TEXTS):
        raise ProbeUnusable(f"a sketch needs one vector for each of the {len(PROBE_TEXTS)} texts")
    if not np.isfinite(rows).all():
        raise ProbeUnusable("a probe vector is not finite; the model or its export is broken")
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if 2 * np.count_nonzero(lengths) < len(PROBE_TEXTS):
        raise ProbeUnusable("most probe vectors are zero; the model knows too few of the texts")
    unit = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    cosines = np.clip((unit @ unit.T)[_PAIRS], -1.0, 1.0)
    quantised: NDArray[np.int8] = np.rint(cosines * _SCALE).astype(np.int8)
    return quantised.tobytes()


def distance(a: bytes, b: bytes) -> float:
    """Return the root mean square difference of two sketches' cosines, 0 to 2.

    Raises ProbeUnusable where one is not `SKETCH_BYTES` long.
    """
    if len(a) != SKETCH_BYTES or len(b) != SKETCH_BYTES:
        raise ProbeUnusable(f"a sketch has {SKETCH_BYTES} bytes; these have {len(a)} and {len(b)}")
    apart = np.frombuffer(a, np.int8).astype(np.float64) - np.frombuffer(b, np.int8)
    return float(np.sqrt(np.mean(apart**2)) / _SCALE)


def likeness(apart: float) -> str:
    """Say in words what lies between two sketches that are `apart` from each other."""
    if apart <= TOLERANCE:
        return "as near as two computations of one model"
    if apart <= NEAR:
        return (
            "near, as one model whose weights were rounded, or of which a later revision or other "
            "pooling is used"
        )
    if apart <= RELATED:
        return "apart, as one model with another prompt, strongly rounded or cut shorter"
    return "far apart, as another model or another pooling"


def adopt(own: Envelope, known: Iterable[Envelope]) -> Envelope:
    """Return `own` with the sketch bytes of the space that it belongs to, if one of `known` is it.

    A known envelope is it where all other space-defining fields are equal and the sketches lie
    within `TOLERANCE`; of several the nearest, then the one with the smallest space id. The result
    has that space's id and own describing fields. Without one, or without an own sketch, `own` is
    returned unchanged: it mints its own id.
    """
    nearest = min(
        ((apart, other.space_id, other.probe) for other in known for apart in _apart(own, other)),
        default=None,
    )
    if nearest is None:
        return own
    return Envelope.model_validate({**own.model_dump(), "probe": nearest[2]})


def _apart(own: Envelope, other: Envelope) -> tuple[float, ...]:
    """Return the distance of two envelopes that differ by their sketches at most, or nothing."""
    if own.probe is None or other.probe is None:
        return ()
    if any(getattr(own, n) != getattr(other, n) for n in SPACE_FIELDS if n != "probe"):
        return ()
    apart = distance(from_base64url(own.probe), from_base64url(other.probe))
    return (apart,) if apart <= TOLERANCE else ()


def with_sketch(envelope: Envelope, vectors: NDArray[np.float32]) -> Envelope:
    """Return the envelope with the sketch of `vectors`; ProbeUnusable as `sketch`."""
    probe = to_base64url(sketch(vectors))
    return Envelope.model_validate({**envelope.model_dump(), "probe": probe})
