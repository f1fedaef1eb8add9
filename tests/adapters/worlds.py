"""Small made-up embedding spaces with a known relation, for tests of maps between them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adapters.map import Floats
from adapters.quality import HeldOut

SOURCE, TARGET = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def unit(rows: NDArray[np.floating]) -> Floats:
    """Return rows of length 1 as float32."""
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def turn(rng: np.random.Generator, width: int) -> NDArray[np.float64]:
    """Return a random (width, width) orthogonal matrix."""
    return np.asarray(np.linalg.qr(rng.normal(size=(width, width)))[0])


@dataclass(frozen=True)
class World:
    """Texts as seen by two models: documents and questions, (n, d) each, in both spaces."""

    source_documents: Floats
    source_questions: Floats
    target_documents: Floats
    target_questions: Floats

    def part(self, rows: slice) -> HeldOut:
        return HeldOut(
            self.source_questions[rows],
            self.source_documents[rows],
            self.target_questions[rows],
            self.target_documents[rows],
        )


def two_models(
    seed: int = 0, n: int = 600, d_in: int = 24, d_out: int = 24, noise: float = 0.05
) -> World:
    """Two noisy views of one meaning; the models differ by turns, widths and means."""
    rng = np.random.default_rng(seed)
    meaning = rng.normal(size=(n, min(d_in, d_out)))
    asked = meaning + 0.3 * rng.normal(size=meaning.shape)

    def seen(width: int) -> tuple[Floats, Floats]:
        basis = turn(rng, width)[: meaning.shape[1]]
        mean = 0.2 * rng.normal(size=width)

        def view(points: NDArray[np.float64]) -> Floats:
            return unit(points @ basis + mean + noise * rng.normal(size=(n, width)))

        return view(meaning), view(asked)

    source_documents, source_questions = seen(d_in)
    target_documents, target_questions = seen(d_out)
    return World(source_documents, source_questions, target_documents, target_questions)
