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
    in, where that was said. With `spans` it is (n, d), one for each of n pieces of the text;
    `encoded`: they are what the encoder of that space makes of the text, and so decide nothing that
    the text does not. `source`: SHA-256 of what
    `uri` gave, where the text is read from there whenever it is needed, and not kept. `where` is
    the place in its file, for messages. `text` and `uri` stay with this node.
    """

    id: str
    where: str
    text: str | None = None
    vector: FloatArray | None = None
    labels: frozenset[str] = frozenset()
    metadata: dict[str, Any] = field(default_factory=dict)
    uri: str | None = None
    space: str | None = None
    spans: tuple[tuple[int, int], ...] = ()
    encoded: bool = False
    source: bytes | None = None
    _digest: bytes | None = field(default=None, init=False, repr=False)

    @property
    def digest(self) -> bytes:
        """SHA-256 of what decides the stored vectors: the text and the vector given."""
        if self._digest is None:  # asked for by three: repeats, comparison, writing
            object.__setattr__(self, "_digest", self._digested())
        return self._digest or b""

    def _digested(self) -> bytes:
        hashed = text_digest(self.text)
        if self.vector is not None and not self.encoded:
            hashed.update(b"vector")
            hashed.update(np.ascontiguousarray(self.vector, dtype="<f4").reshape(-1).data)
        return hashed.digest()


def text_digest(text: str | None) -> "hashlib._Hash":
    """Return the SHA-256 of a document that has this text and no vector of its own."""
    said = b"" if text is None else text.encode("utf-8", "surrogatepass")
    return hashlib.sha256(b"none" if text is None else b"text%d:" % len(said) + said)
