"""Two small models that really read texts: each word has a direction, another one in each model."""

import hashlib
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from node.encoders.encoder import Encoder, RolePrompts
from node.encoders.errors import EncoderFailed
from node.encoders.registry import Encoders
from protocol.envelope import Envelope, Prompts

WIDTH = 16


class Words:
    """A text is the sum of its words' directions; `fails` makes the model unreachable."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.fails = False
        self.texts: list[str] = []

    def see(self, text: str) -> npt.NDArray[np.float32]:
        """The unit vector of a text."""
        row = np.sum([self._word(word) for word in text.split()], axis=0)
        unit: npt.NDArray[np.float32] = (row / np.linalg.norm(row)).astype(np.float32)
        return unit

    async def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Turn n texts into (n, WIDTH)."""
        if self.fails:
            raise EncoderFailed("nobody answers", fix="Start the model's server.")
        self.texts += texts
        return np.stack([self.see(text) for text in texts])

    def count_tokens(self, text: str) -> int:
        """Words."""
        return len(text.split())

    async def described(self) -> dict[str, Any]:
        """Nothing is known of it."""
        return {}

    async def close(self) -> None:
        """Nothing is open."""

    def _word(self, word: str) -> npt.NDArray[np.float64]:
        digest = hashlib.sha256(f"{self.seed} {word}".encode()).digest()
        generator = np.random.default_rng(int.from_bytes(digest[:8], "big"))
        return generator.normal(size=WIDTH)


def add_model(encoders: Encoders, name: str, seed: int) -> Words:
    """Add an encoder that runs such a model in this process; the same after a reopening."""
    return added(encoders, name, Words(seed), f"words-{seed}")


ModelT = TypeVar("ModelT", bound=Words)


def added(encoders: Encoders, name: str, model: ModelT, called: str) -> ModelT:
    """Add an encoder that runs this model, and return it."""
    envelope = Envelope(
        provider="tests",
        model=called,
        revision="1",
        dimension=WIDTH,
        pooling="none",
        normalisation="l2",
        similarity="cosine",
        prompts=Prompts.of(),
    )
    if name not in encoders.names():
        settings = {"url": "http://127.0.0.1:9/v1", "model": name}
        encoders.add(name, "openai", settings, envelope)
    encoders._opened[name] = Encoder(name, "openai", envelope, RolePrompts(), model)
    return model
