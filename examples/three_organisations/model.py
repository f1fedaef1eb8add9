"""A fitted encoder: a weight and a vector for each token, and the directions that all texts share.

The rule of this file: encoding needs numpy only, and a stored model is one safetensors file:
nothing in it can run.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import safe_open
from safetensors.numpy import save_file

from examples.three_organisations.tokens import character_ngrams, stems

Float32 = npt.NDArray[np.float32]

TOKENISERS: dict[str, Callable[[str], list[str]]] = {
    "stems": stems,
    "character-ngrams": character_ngrams,
}


@dataclass(frozen=True)
class Model:
    """An encoder of `dimension` d over a vocabulary of v tokens.

    A text's vector is sum over tokens t of (1 + ln count(t)) * token_vectors[t], scaled to length
    1, less `mean`, less its part along the rows of `common`, scaled to length 1 again.
    `token_vectors` is float32 (v, d) with each token's weight already in it, `mean` float32 (d,),
    `common` float32 (c, d) with orthonormal rows; c may be 0. A text without a known token gets the
    first axis: a vector must have a length, and one that is the same for all such texts says
    nothing.
    """

    name: str
    tokeniser: str
    vocabulary: tuple[str, ...]
    token_vectors: Float32
    mean: Float32
    common: Float32

    def __post_init__(self) -> None:
        index = {token: position for position, token in enumerate(self.vocabulary)}
        object.__setattr__(self, "_index", index)

    @property
    def dimension(self) -> int:
        """Width d of its vectors."""
        return int(self.token_vectors.shape[1])

    @property
    def revision(self) -> str:
        """SHA-256 over everything that decides its vectors, hex."""
        digest = hashlib.sha256(json.dumps([self.tokeniser, self.vocabulary]).encode())
        for array in (self.token_vectors, self.mean, self.common):
            digest.update(np.ascontiguousarray(array, dtype="<f4").tobytes())
        return digest.hexdigest()

    def encode(self, texts: Sequence[str]) -> Float32:
        """Encode n texts into float32 (n, d), each row of length 1."""
        rows = np.stack([self._sum(text) for text in texts]) if texts else self._none()
        rows = unit_rows(rows) - self.mean
        rows = unit_rows(rows - (rows @ self.common.T) @ self.common)
        rows[~rows.any(axis=1), 0] = 1.0
        return rows

    def _none(self) -> Float32:
        return np.zeros((0, self.dimension), dtype=np.float32)

    def _sum(self, text: str) -> Float32:
        index: dict[str, int] = self._index  # type: ignore[attr-defined]  # set in __post_init__: derived, not a field
        counts = Counter(TOKENISERS[self.tokeniser](text))
        known = [(index[token], count) for token, count in counts.items() if token in index]
        if not known:
            return np.zeros(self.dimension, dtype=np.float32)
        places, times = zip(*known, strict=True)
        weights = (1.0 + np.log(np.array(times))).astype(np.float32)
        total: Float32 = weights @ self.token_vectors[list(places)]
        return total


def unit_rows(rows: npt.NDArray[np.floating]) -> Float32:
    """Scale each row to length 1; rows of length 0 stay."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Float32 = (rows / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)
    return scaled


def save(model: Model, path: Path) -> None:
    """Write the model to a safetensors file, vocabulary and names in its metadata."""
    tensors = {
        "token_vectors": np.ascontiguousarray(model.token_vectors),
        "mean": np.ascontiguousarray(model.mean),
        "common": np.ascontiguousarray(model.common),
    }
    metadata = {
        "name": model.name,
        "tokeniser": model.tokeniser,
        "vocabulary": json.dumps(model.vocabulary),
    }
    save_file(tensors, path, metadata)


def load(path: Path) -> Model:
    """Read a model that `save` wrote."""
    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
        return Model(
            name=metadata["name"],
            tokeniser=metadata["tokeniser"],
            vocabulary=tuple(json.loads(metadata["vocabulary"])),
            token_vectors=file.get_tensor("token_vectors"),
            mean=file.get_tensor("mean"),
            common=file.get_tensor("common"),
        )
