"""The demo's encoders, fitted on public text and cut to one width, and what they are judged by.

A question is a docstring's summary, and what it should find is the rest of that docstring. As all
vectors have one width, nothing but their space tells those of two models apart.
"""

import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from pydoc_data import topics
from typing import Any

import numpy as np

from examples.three_organisations.anchors import Anchor, Public, anchors, paragraphs
from examples.three_organisations.docstrings import Docstring, distinct, of_package
from examples.three_organisations.model import Float32, Model
from examples.three_organisations.recipes import fit
from node.encoders.encoder import Encoder, RolePrompts
from node.encoders.errors import EncoderFailed
from node.encoders.registry import Encoders
from protocol.envelope import Envelope, Prompts
from protocol.notation import to_base64url
from protocol.probe import PROBE_TEXTS, sketch

WIDTH = 128
MODULES = ("asyncio", "email", "http", "importlib", "logging", "unittest")
LONGEST = 600

Encode = Callable[[Sequence[str]], Float32]


@cache
def library() -> tuple[Docstring, ...]:
    """Docstrings of some of the standard library, in the order of its files."""
    folder = Path(sysconfig.get_path("stdlib"))
    return tuple(distinct(each for name in MODULES for each in of_package(folder / name, name)))


@cache
def public_texts() -> tuple[str, ...]:
    """What the models are fitted on: the language reference's paragraphs, and docstrings."""
    reference = [part for text in topics.topics.values() for part in paragraphs(text)]
    return (*reference[::2], *(each.text for each in library()[::2]))


@cache
def public_anchors(count: int) -> tuple[Anchor, ...]:
    """Anchors from the language reference, which no collection here holds."""
    found = anchors(Public([Docstring(name, text) for name, text in topics.topics.items()], []))
    return tuple(found[:: max(1, len(found) // count)][:count])


@cache
def judged(count: int) -> tuple[Docstring, ...]:
    """Docstrings whose summary asks for their rest, from all over the library."""
    telling = [each for each in library() if len(each.summary.split()) >= 4 and len(each.rest) > 99]
    return tuple(telling[place * len(telling) // count] for place in range(count))


@cache
def fitted(recipe: str) -> Model:
    """One of the demo's models: `word`, `subword` or `cooccurrence`.

    `former word`: one of the same recipe that was fitted on fewer texts.
    """
    former, texts = recipe.startswith("former "), public_texts()
    model = fit(recipe.removeprefix("former "), texts[: len(texts) * 3 // 4] if former else texts)
    cut = {name: getattr(model, name)[..., :WIDTH] for name in ("token_vectors", "mean", "common")}
    return replace(model, **cut)


class InProcess:
    """A backend that calls a function of texts in this process; `encode` may be exchanged.

    `fails`: it does not answer.
    """

    def __init__(self, encode: Encode) -> None:
        self.encode = encode
        self.fails = False

    async def embed(self, texts: Sequence[str]) -> Float32:
        """Turn n texts into (n, d)."""
        if self.fails:
            raise EncoderFailed("nobody answers", fix="Start the model's server.")
        return np.ascontiguousarray(self.encode(texts), dtype=np.float32)

    def count_tokens(self, text: str) -> int:
        """Words."""
        return len(text.split())

    async def described(self) -> dict[str, Any]:
        """Nothing is known of it."""
        return {}

    async def close(self) -> None:
        """Nothing is open."""


def envelope(model: str, encode: Encode, normalisation: str = "l2") -> Envelope:
    """The envelope of a model, with its probe sketch."""
    probed = encode(PROBE_TEXTS)
    return Envelope(
        provider="tests", model=model, revision="1", dimension=probed.shape[1], pooling="none",
        normalisation=normalisation, similarity="cosine" if normalisation == "l2" else "l2",  # type: ignore[arg-type]  # one of the two
        prompts=Prompts.of(), probe=to_base64url(sketch(probed)),
    )  # fmt: skip


def add_encoder(
    encoders: Encoders, name: str, model: str, encode: Encode, normalisation: str = "l2"
) -> InProcess:
    """Add an encoder that runs a model in this process; the same again after a reopening."""
    stated = envelope(model, encode, normalisation)
    if name not in encoders.names():
        settings = {"url": "http://127.0.0.1:9/v1", "model": model}
        encoders.add(name, "openai", settings, stated)
    backend = InProcess(encode)
    encoders._opened[name] = Encoder(name, "openai", stated, RolePrompts(), backend)
    return backend
