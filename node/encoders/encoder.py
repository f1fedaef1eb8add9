"""What every encoder offers, whatever stands behind it."""

from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
from protocol.envelope import Envelope

Role = Literal["query", "document"]
Kind = Literal["openai", "sentence-transformers", "caller"]


class Encoder(Protocol):
    """A named encoder. Its envelope says which space its vectors are in."""

    @property
    def name(self) -> str:
        """Name under which `encoder add` stored it."""

    @property
    def kind(self) -> Kind:
        """Which implementation it is."""

    @property
    def envelope(self) -> Envelope:
        """The space-defining metadata of its vectors, including the probe sketch."""

    async def encode(self, texts: Sequence[str], role: Role) -> npt.NDArray[np.float32]:
        """Encode n texts into (n, d) float32, in order, checked and normalised per the envelope.

        Raises EncoderFailed when the model cannot be reached or answers wrongly,
        EncoderTakesVectors when the vectors come from the caller.
        """

    def count_tokens(self, text: str) -> int:
        """Length of `text` in the model's tokens; an upper estimate where no tokenizer is at hand.

        Never less than one a word, so that chunking by it stays within max_tokens.
        """

    async def close(self) -> None:
        """Release connections and memory."""
