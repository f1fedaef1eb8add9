"""Scores in the shared space for documents whose vectors stay in the native one.

The score of a document d for a question q in the shared space is the cosine of q with the mapped
document, q.(Wd + b) / |Wd + b|. W'q is taken once per question; the lengths |Wd + b| belong to the
documents and may be kept beside them. Of a map that is not affine every document is mapped.
"""

import numpy as np

from adapters.affine import AffineMap
from adapters.errors import WrongDimension
from adapters.map import Floats, Map


def mapped_lengths(inward: Map, documents: Floats) -> Floats:
    """Return |Wd + b| of (m, d_in) documents as (m,) float32; 1 where the map is not affine."""
    if not isinstance(inward, AffineMap):
        return np.ones(len(documents), dtype=np.float32)
    mapped = documents @ inward.weight.T + inward.bias
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", mapped, mapped)), dtype=np.float32)


def rescore(
    inward: Map, question: Floats, documents: Floats, lengths: Floats | None = None
) -> Floats:
    """Return the cosines (m,) of one shared-space question with (m, d_in) native documents.

    Args:
        inward: the map native -> shared, whose results have length 1.
        question: (d_out,) of length 1.
        documents: (m, d_in) native vectors.
        lengths: (m,) from `mapped_lengths`, computed here where None.

    Raises:
        WrongDimension: question or documents do not belong to the map.
    """
    if question.shape != (inward.d_out,) or documents.ndim != 2:
        raise WrongDimension(f"the question must have {inward.d_out} components")
    if documents.shape[1] != inward.d_in:
        raise WrongDimension(f"the documents must have {inward.d_in} components")
    if not isinstance(inward, AffineMap):
        cosines = inward.apply(documents) @ question
        return np.asarray(np.clip(cosines, -1.0, 1.0), dtype=np.float32)
    if lengths is None:
        lengths = mapped_lengths(inward, documents)
    dots = documents @ (inward.weight.T @ question) + np.float32(question @ inward.bias)
    cosines = dots / np.maximum(lengths, np.finfo(np.float32).tiny)
    return np.asarray(np.clip(cosines, -1.0, 1.0), dtype=np.float32)
