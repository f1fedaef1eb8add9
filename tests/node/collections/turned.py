"""A model that sees what another one sees, turned: what a linear map can learn."""

import numpy as np
import numpy.typing as npt

from node.encoders.registry import Encoders
from tests.node.collections.models import WIDTH, Words, added


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
    return added(encoders, name, Turned(seed), f"turned-{seed}")
