"""One encoder: a backend that runs the model, behind the promises of an envelope.

A backend only turns texts into numbers. Prompts, checks and normalisation happen here, so that all
kinds of encoders keep the same promises.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from node.encoders.errors import EncoderFailed, EncoderTakesVectors, UnusableVectors
from node.encoders.live import DOCUMENTS_S, LOOK_EVERY_S, LiveSketch
from node.encoders.token_estimate import estimate_tokens
from node.encoders.vectors import checked
from protocol.envelope import Envelope
from protocol.probe import PROBE_TEXTS

FloatArray = npt.NDArray[np.float32]
Role = Literal["query", "document"]
Kind = Literal["openai", "sentence-transformers", "caller"]

_SPECIAL_TOKENS = 2  # what models put around a text: [CLS] and [SEP], or their like


class Backend(Protocol):
    """What runs a model."""

    async def embed(self, texts: Sequence[str]) -> FloatArray:
        """Turn n texts into (n, d) float32, in order. Raises EncoderFailed."""

    def count_tokens(self, text: str) -> int:
        """Length of `text` in the model's tokens, or a safe estimate."""

    async def described(self) -> dict[str, Any]:
        """Envelope fields that the backend can tell of its model; none where it knows nothing."""

    async def close(self) -> None:
        """Release connections and memory."""


@dataclass(frozen=True, slots=True)
class RolePrompts:
    """What is put before a text, by its role; models trained with prompts need the right one."""

    query: str = ""
    document: str = ""

    def of(self, role: Role) -> str:
        """Return the prompt for a role."""
        return self.query if role == "query" else self.document


class Encoder:
    """A named encoder.

    `envelope` says which space its vectors are in, including the probe sketch; `kind` which
    backend it has; `live` watches whether that still runs the same model.
    """

    def __init__(
        self,
        name: str,
        kind: Kind,
        envelope: Envelope,
        prompts: RolePrompts,
        backend: Backend | None,
    ) -> None:
        """`backend` is None where the caller computes the vectors."""
        self.name = name
        self.kind = kind
        self.envelope = envelope
        self.prompts = prompts
        self._backend = backend
        self.live = LiveSketch(name, envelope, None if backend is None else self._probe)

    @property
    def takes_text(self) -> bool:
        """Whether it can encode texts; else vectors must be given with each document and query."""
        return self._backend is not None

    async def encode(self, texts: Sequence[str], role: Role) -> FloatArray:
        """Encode n texts into (n, d) float32, in order, checked and normalised per the envelope.

        Raises EncoderFailed when the model cannot be reached or answers wrongly, EncoderChanged
        when it is another one, EncoderTakesVectors when the vectors come from the caller.
        """
        if not texts:
            return np.empty((0, self.envelope.dimension), dtype=np.float32)
        await self.live.require(LOOK_EVERY_S if role == "query" else DOCUMENTS_S)
        raw = await self.encode_raw(texts, role)
        try:
            return checked(raw, self.envelope)
        except UnusableVectors as error:
            raise EncoderFailed(
                f"encoder {self.name!r} gave unusable vectors: {error}",
                error.row,
                fix=(
                    f"See `interlingua encoder test {self.name}`; a text in which the model knows "
                    "no word gives a zero vector."
                ),
            ) from None

    async def encode_raw(self, texts: Sequence[str], role: Role) -> FloatArray:
        """Encode as `encode` does, but give the model's own numbers, neither checked nor scaled.

        For probing: a model may give zeros for a text in which it knows no word. Where the space is
        a cut of the model's (Matryoshka), the numbers are cut.
        """
        prompt = self.prompts.of(role)
        rows = await self._require().embed([prompt + text for text in texts])
        cut = rows.ndim == 2 and rows.shape[1] == self.envelope.truncated_from
        return np.ascontiguousarray(rows[:, : self.envelope.dimension]) if cut else rows

    async def _probe(self) -> FloatArray:
        return await self.encode_raw(PROBE_TEXTS, "document")

    def count_tokens(self, text: str) -> int:
        """Length of `text` in the model's tokens; a safe estimate where there is no tokenizer."""
        return estimate_tokens(text) if self._backend is None else self._backend.count_tokens(text)

    async def described(self) -> dict[str, Any]:
        """Envelope fields that the backend can tell of its model; none where it knows nothing."""
        return {} if self._backend is None else await self._backend.described()

    @cached_property
    def chunk_tokens(self) -> int | None:
        """Longest document text that the model reads whole, in tokens; None without a limit."""
        if self.envelope.max_tokens is None:
            return None
        prompt = self.count_tokens(self.prompts.document) if self.prompts.document else 0
        return max(1, self.envelope.max_tokens - prompt - _SPECIAL_TOKENS)

    async def close(self) -> None:
        """Release connections and memory."""
        if self._backend is not None:
            await self._backend.close()

    def _require(self) -> Backend:
        if self._backend is None:
            raise EncoderTakesVectors(
                f"encoder {self.name!r} stands for vectors that you compute",
                fix=(
                    "Give a vector with each document and each query, or use an encoder that "
                    "runs a model."
                ),
            )
        return self._backend
