"""A model that sees what another one sees, turned: what a linear map can learn."""

import numpy as np
import numpy.typing as npt

from node.encoders.encoder import Encoder, RolePrompts
from node.encoders.registry import Encoders
from protocol.envelope import Envelope, Prompts
from tests.node.collections.models import WIDTH, Words


class Turned(Words):
    """The first model's vectors in other coordinates."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        drawn = np.random.default_rng(7).normal(size=(WIDTH, WIDTH))
        self.turn = np.linalg.qr(drawn)[0].astype(np.float32)

    def see(self, text: str) -> npt.NDArray[np.float32]:
        """The unit vector of a text."""
        return np.asarray(super().see(text) @ self.turn, dtype=np.float32)


def add_turned(encoders: Encoders, name: str, seed: int) -> Turned:
    """Add an encoder that runs such a model in this process."""
    envelope = Envelope(
        provider="tests",
        model=f"turned-{seed}",
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
    model = Turned(seed)
    encoders._opened[name] = Encoder(name, "openai", envelope, RolePrompts(), model)
    return model
