"""The corrected score, by which documents of different models' collections are merged.

    score = cosine in the shared space - h(d)/2 - o

h(d) is the mean cosine of a document d with its ten nearest anchor questions in the shared space:
some documents lie near to every question (hubs; Radovanovic, Nanopoulos and Ivanovic, JMLR 11,
2010), and how near differs from model to model. o is the mean of cosine - h/2 over held-out anchor
questions with their own documents, for one asker and one responder: by so much the better model's
true answers lie nearer than the worse model's. Halving h follows cross-domain similarity local
scaling (Conneau et al., "Word translation without parallel data", ICLR 2018); the question's half
of it is the same for all documents and is left out.

The rule of this file: what belongs to a document alone (`Scalars`) is computed once, by this file
only, so that a score kept and a score made on the spot are the same.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from adapters.errors import WrongDimension
from adapters.map import Floats, Map
from adapters.rescore import mapped_lengths

NEAREST = 10
"""Anchor questions whose mean cosine is h."""

SHARE = 0.5
"""Share of h that is taken off."""

MAX_QUESTIONS = 4096
"""Anchor questions looked among at most; the first of a set in canonical order are a sample."""

_BLOCK = 1024


@dataclass(frozen=True, eq=False)
class Scalars:
    """What scoring needs of m documents: `lengths` |Wd + b| and `hubness` h, both (m,) float32."""

    lengths: Floats
    hubness: Floats


@dataclass(frozen=True, eq=False)
class Yardstick:
    """A map into the shared space, and the anchor questions there: all that `Scalars` depend on.

    `adapter` is the file digest of `inward`; `questions` (a, d_out), rows of length 1, a >= 1.
    """

    inward: Map
    adapter: str
    questions: Floats

    def __post_init__(self) -> None:
        if self.questions.ndim != 2 or self.questions.shape[1] != self.inward.d_out:
            raise WrongDimension("the anchor questions do not lie in the space the map leads to")
        if not len(self.questions):
            raise WrongDimension("a yardstick needs anchor questions")

    @cached_property
    def digest(self) -> str:
        """Names map and questions; another of either is another yardstick."""
        hashed = hashlib.sha256(f"interlingua yardstick v1\0{self.adapter}\0".encode())
        hashed.update(np.ascontiguousarray(self.questions, dtype="<f4").tobytes())
        return f"sha256:{hashed.hexdigest()}"

    def scalars(self, documents: Floats) -> Scalars:
        """Return the scalars of (m, d_in) native documents."""
        mapped = self.inward.apply(documents)
        near = hubness(mapped, self.questions)
        return Scalars(mapped_lengths(self.inward, documents), near)


@dataclass(frozen=True, eq=False)
class Correction:
    """What a responder corrects by: a yardstick, and o."""

    yardstick: Yardstick
    offset: float


def hubness(mapped: Floats, questions: Floats) -> Floats:
    """Return h (m,) of documents (m, d) among anchor questions (a, d), both with rows of length 1.

    With fewer than ten questions all of them count.
    """
    if not len(mapped):
        return np.zeros(0, dtype=np.float32)
    nearest = min(NEAREST, len(questions))
    blocks = []
    for start in range(0, len(mapped), _BLOCK):
        cosines = mapped[start : start + _BLOCK] @ questions.T
        blocks.append(np.partition(cosines, -nearest, axis=1)[:, -nearest:].mean(axis=1))
    return np.asarray(np.concatenate(blocks), dtype=np.float32)


def corrected(cosines: Floats, hubness: Floats, offset: float) -> Floats:
    """Return the corrected scores (m,), held within -1 and 1."""
    scores = cosines - np.float32(SHARE) * hubness - np.float32(offset)
    return np.asarray(np.clip(scores, -1.0, 1.0), dtype=np.float32)


def offset_of(questions: Floats, documents: Floats, anchors: Floats) -> float:
    """Return o of one route: the mean of cosine - h/2 over questions with their own documents.

    `questions` (n, d) and `documents` (n, d) are held-out anchors, row i of both the same text, as
    the route brings them into the shared space; `anchors` (a, d) the anchor questions there.
    """
    if questions.shape != documents.shape or not len(questions):
        raise WrongDimension("an offset needs one document per held-out question, at least one")
    cosines = np.einsum("ij,ij->i", questions, documents)
    return float(np.mean(cosines - SHARE * hubness(documents, anchors)))
