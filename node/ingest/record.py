"""One document as it arrives, whatever file it came in."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


def single_precision(numbers: npt.ArrayLike) -> FloatArray:
    """Return numbers as float32; what is too large becomes infinite, which the check refuses."""
    with np.errstate(over="ignore"):
        return np.array(numbers, dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """A document with an id and a text or a vector or both.

    `vector` (d,) float32 takes the place of encoding; `space` is the id of the space that it lies
    in, where that was said. `where` is the place in its file, for messages. `text` and `uri` stay
    with this node.
    """

    id: str
    where: str
    text: str | None = None
    vector: FloatArray | None = None
    labels: frozenset[str] = frozenset()
    metadata: dict[str, Any] = field(default_factory=dict)
    uri: str | None = None
    space: str | None = None

    @property
    def digest(self) -> bytes:
        """SHA-256 of what decides the stored vectors: the text and the vector given."""
        hashed = hashlib.sha256()
        text = b"" if self.text is None else self.text.encode("utf-8", "surrogatepass")
        hashed.update(b"none" if self.text is None else b"text%d:" % len(text) + text)
        if self.vector is not None:
            hashed.update(b"vector" + self.vector.astype("<f4").tobytes())
        return hashed.digest()
