"""Encoding with a sentence-transformers model in this process (the extra `local-models`).

The library is imported at first use, in a thread, because it takes seconds and much memory.
"""

import asyncio
import hashlib
import threading
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from node.encoders.encoder import FloatArray
from node.encoders.errors import EncoderFailed, EncoderMisconfigured


class SentenceTransformersSettings(BaseModel):
    """Which model to load.

    `model`: a directory, or a name that the library finds in its cache or downloads. `revision`:
    commit of a named model. `device`: cpu, cuda, mps; None lets the library choose.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Annotated[str, StringConstraints(min_length=1, max_length=4096)]
    revision: str | None = None
    device: str | None = None
    batch: Annotated[int, Field(ge=1, le=2048)] = 64


class SentenceTransformersBackend:
    """One loaded model. Encoding runs in a thread, one call at a time."""

    def __init__(self, settings: SentenceTransformersSettings) -> None:
        """Nothing is loaded yet."""
        self._settings = settings
        self._loading = threading.Lock()
        self._model: Any = (
            None  # sentence_transformers.SentenceTransformer, which has no types here
        )
        self._one_at_a_time = asyncio.Lock()

    async def embed(self, texts: Sequence[str]) -> FloatArray:
        """Turn n texts into (n, d) float32, in order."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._embed, list(texts))

    def count_tokens(self, text: str) -> int:
        """Length in the model's own tokens, without the special ones."""
        tokenizer = self.model().tokenizer
        encoded = tokenizer.encode(text, add_special_tokens=False)
        return len(getattr(encoded, "ids", encoded))

    async def described(self) -> dict[str, Any]:
        """Tell name, revision (a digest of the weights), pooling and max_tokens."""
        model = await asyncio.to_thread(self.model)
        return await asyncio.to_thread(_described, model, self._settings.model)

    async def close(self) -> None:
        """Let the model go."""
        self._model = None

    def model(self) -> Any:
        """Return the loaded model; blocking. Raises EncoderMisconfigured."""
        with self._loading:
            if self._model is None:
                self._model = _load(self._settings)
            return self._model

    def _embed(self, texts: list[str]) -> FloatArray:
        model = self.model()
        try:
            # prompt="" keeps the library from adding a default prompt: prompts are put by Encoder
            vectors = model.encode(
                texts, batch_size=self._settings.batch, prompt="", convert_to_numpy=True,
                show_progress_bar=False,
            )  # fmt: skip
        except RuntimeError as error:
            raise EncoderFailed(
                f"the model {self._settings.model} failed ({type(error).__name__})",
                fix="Try a smaller --batch.",
            ) from error
        return np.asarray(vectors, dtype=np.float32)


def _load(settings: SentenceTransformersSettings) -> Any:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise EncoderMisconfigured(
            "sentence-transformers is not installed",
            fix="pip install 'interlingua[local-models]'",
        ) from None
    # it comes with sentence-transformers; the command line has a progress bar of its own
    import_module("transformers.utils.logging").disable_progress_bar()
    try:
        return SentenceTransformer(
            settings.model, revision=settings.revision, device=settings.device,
            trust_remote_code=False,
        )  # fmt: skip
    except (OSError, ValueError, RuntimeError) as error:
        raise EncoderMisconfigured(
            f"the model {settings.model!r} cannot be loaded ({type(error).__name__})",
            fix="Give a directory that holds one, or a name that is in the library's cache.",
        ) from error


def _described(model: Any, name: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "provider": "sentence-transformers",
        # a directory's path says nothing to a partner, and too much
        "model": Path(name).resolve().name if Path(name).is_dir() else name,
        "revision": _revision(model),
    }
    if isinstance(model.max_seq_length, int):
        found["max_tokens"] = model.max_seq_length
    for module in model:
        pooling = _pooling(module)
        if pooling is not None:
            found["pooling"] = pooling.lower()
    return found


def _pooling(module: Any) -> str | None:
    """Return a module's pooling as releases 6 and 5 of the library tell it, None without one."""
    mode = getattr(module, "pooling_mode", None)
    if mode is not None:
        return mode if isinstance(mode, str) else "-".join(mode)
    told = getattr(module, "get_pooling_mode_str", None)
    return None if told is None else str(told()).replace("+", "-")


def _revision(model: Any) -> str:
    """Return the digest of the weights as they are in memory, whatever file they came from."""
    hashed = hashlib.sha256()
    for name, weights in sorted(model.state_dict().items()):
        hashed.update(name.encode())
        hashed.update(weights.detach().cpu().contiguous().float().numpy().tobytes())
    return f"weights-{hashed.hexdigest()[:32]}"
