"""Matryoshka truncation: the first components of a vector are a vector of a shorter space.

The rule of this file: a cut is a space of its own, whose envelope says from which width it was cut.
A holder of the whole model can make its vectors, and adopts the id of a cut that it meets on the
same terms as any other: all other fields equal, and the sketch of its own cut vectors within the
tolerance. The way back does not exist.

Kusupati et al., "Matryoshka Representation Learning", NeurIPS 2022.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from protocol.envelope import SPACE_FIELDS, Envelope
from protocol.probe import ProbeUnusable, adopt, with_sketch

_CHANGED_BY_A_CUT = frozenset({"dimension", "truncated_from", "probe"})


def shorten(vectors: NDArray[np.float32], to: Envelope) -> NDArray[np.float32]:
    """Return the first components of (n, d) vectors as `to`'s space has them: (n, to.dimension).

    Of length 1 where the envelope says l2; a row that is zero there stays zero.
    """
    cut = np.ascontiguousarray(vectors[:, : to.dimension], dtype=np.float32)
    if to.normalisation == "none":
        return cut
    lengths = np.linalg.norm(cut.astype(np.float64), axis=1, keepdims=True)
    unit = np.divide(cut, lengths, out=np.zeros(cut.shape), where=lengths > 0)
    return np.asarray(unit, dtype=np.float32)


def cuts_of(own: Envelope, known: Iterable[Envelope]) -> list[Envelope]:
    """Return those of the known spaces that are by name a cut of `own`'s model, the widest first.

    By name alone: whether the vectors are its too, `adopt_cut` tells.
    """
    whole = own.truncated_from or own.dimension
    found = [
        each
        for each in known
        if each.truncated_from == whole
        and each.dimension < own.dimension
        and all(
            getattr(own, name) == getattr(each, name)
            for name in SPACE_FIELDS
            if name not in _CHANGED_BY_A_CUT
        )
    ]
    return sorted(found, key=lambda each: -each.dimension)


def adopt_cut(
    own: Envelope, probe: NDArray[np.float32], known: Iterable[Envelope]
) -> Envelope | None:
    """Return the envelope of own vectors that are cut to the first of the known spaces that fits.

    `probe` (24, d) are the own model's vectors of the probe texts. None where no space is a cut of
    the own model, or the sketches of the cut vectors lie too far apart.
    """
    for each in cuts_of(own, known):
        shorter = {"dimension": each.dimension, "truncated_from": each.truncated_from}
        made = Envelope.model_validate({**own.model_dump(), **shorter, "probe": None})
        try:
            adopted = adopt(with_sketch(made, probe[:, : each.dimension]), [each])
        except ProbeUnusable:
            continue
        if adopted.space_id == each.space_id:
            return adopted
    return None
