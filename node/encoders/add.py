"""Adding an encoder: what the operator states is joined with what the model shows."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from node.encoders.caller import parse_envelope, read_envelope, read_probe_vectors
from node.encoders.encoder import Encoder, FloatArray, Kind
from node.encoders.errors import EncoderExists, EncoderMisconfigured
from node.encoders.measure import given_probe, measured, probe_vectors, require_same
from node.encoders.registry import Encoders, open_encoder
from protocol.envelope import Envelope, Prompts

UNSTATED = "unspecified"
"""Stands where the operator stated nothing; the probe sketch still tells models apart."""

Noted = Callable[[Envelope], Awaitable[None]]
"""Notes that an encoder with this envelope is about to be kept; may raise, and then it is not."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def require_name(name: str) -> None:
    """Raise EncoderMisconfigured where this cannot name an encoder."""
    if not _NAME.fullmatch(name):
        raise EncoderMisconfigured(
            f"{name!r} cannot name an encoder",
            fix="Use 1 to 64 of a-z, 0-9, - and _.",
        )


async def add(
    encoders: Encoders,
    name: str,
    kind: Kind,
    settings: dict[str, Any],
    stated: dict[str, Any],
    envelope_file: Path | None,
    known: Iterable[Envelope],
    at: int,
    wanted: Envelope | None = None,
    truncate: int | None = None,
    probe_file: Path | None = None,
    note: Noted | None = None,
) -> Encoder:
    """Probe the model and keep the encoder.

    `stated` holds envelope fields; `envelope_file` a whole envelope instead, such as a partner's,
    which the model must then match, or `wanted` such an envelope. `truncate` cuts the model's
    vectors to so many components (Matryoshka). `probe_file` holds the vectors of the probe texts
    where the caller computes them. `known` are spaces whose id is adopted where the sketch fits.
    `note` comes before it is kept. Raises EncoderMisconfigured, EncoderExists, EncoderFailed.
    """
    require_name(name)
    if name in encoders.names():
        raise EncoderExists(
            f"encoder {name!r} exists",
            fix="Choose another name.",
        )
    envelope = await _envelope(
        name, kind, settings, stated, _whole(envelope_file, wanted, stated), known, at, truncate,
        probe_file,
    )  # fmt: skip
    if note is not None:
        await note(envelope)
    return await asyncio.to_thread(encoders.add, name, kind, settings, envelope)


async def _envelope(
    name: str,
    kind: Kind,
    settings: dict[str, Any],
    stated: dict[str, Any],
    whole: Envelope | None,
    known: Iterable[Envelope],
    at: int,
    truncate: int | None,
    probe_file: Path | None,
) -> Envelope:
    """Return the envelope of a new encoder, and keep nothing."""
    if kind == "caller":
        if whole is None:
            raise EncoderMisconfigured(
                "vectors that you compute need an envelope that says what they are",
                fix=(
                    "Give one with --envelope FILE; the provider of the vectors can write it "
                    "(docs/collections.md)."
                ),
            )
        if probe_file is not None:
            whole = given_probe(whole, read_probe_vectors(probe_file), known)
        return whole
    if probe_file is not None:
        raise EncoderMisconfigured(
            "this encoder runs a model, which is probed by the node itself",
            fix="Leave out --probe-vectors.",
        )
    if whole is not None and truncate is not None:
        raise EncoderMisconfigured(
            "the envelope says already where its vectors are cut",
            fix="Leave out --truncate.",
        )
    return await probed(name, kind, settings, stated, whole, known, at, truncate)


def _whole(
    envelope_file: Path | None, wanted: Envelope | None, stated: dict[str, Any]
) -> Envelope | None:
    """Return the whole envelope that was given, if one was; it leaves nothing to state."""
    if envelope_file is not None and wanted is not None:
        raise EncoderMisconfigured(
            "an envelope file and a space are two envelopes", fix="Give one or the other."
        )
    if stated and not (envelope_file is None and wanted is None):
        raise EncoderMisconfigured(
            f"the envelope {'file ' if wanted is None else ''}states "
            f"{', '.join(sorted(stated))} already",
            fix="Give one or the other.",
        )
    return wanted if envelope_file is None else read_envelope(envelope_file)


async def probed(
    name: str,
    kind: Kind,
    settings: dict[str, Any],
    stated: dict[str, Any],
    whole: Envelope | None,
    known: Iterable[Envelope],
    at: int,
    truncate: int | None = None,
) -> Envelope:
    """Return the envelope of a model that was probed, and keep nothing.

    Raises EncoderMisconfigured, EncoderFailed.
    """
    prompts = Prompts.of(settings.get("query_prompt", ""), settings.get("document_prompt", ""))
    if whole is not None and whole.prompts != prompts:
        raise EncoderMisconfigured(
            "the envelope was made with other prompts",
            fix="Give the same --query-prompt and --document-prompt as its author.",
        )
    provisional = whole or _stated(settings, stated, prompts, at, dimension=1)
    trial = open_encoder(name, kind, settings, provisional)
    try:
        vectors = await probe_vectors(trial)
        found = await trial.described()
    finally:
        await trial.close()
    if whole is not None:
        require_same(whole, vectors)
        return measured(whole, vectors, [whole]) if whole.probe else whole
    stated = {**found, **stated}
    if truncate is not None:
        stated.setdefault("truncated_from", vectors.shape[1])
        vectors = _cut(vectors, truncate)
    mine = _stated(settings, stated, prompts, at, dimension=vectors.shape[1])
    return measured(mine, vectors, known)


def _cut(vectors: FloatArray, to: int) -> FloatArray:
    """Return the first components of the probe vectors."""
    width = vectors.shape[1]
    if not 1 <= to < width:
        raise EncoderMisconfigured(
            f"vectors of {width} components cannot be cut to {to}",
            fix=f"Give --truncate a number from 1 to {width - 1}.",
        )
    return vectors[:, :to]


def _stated(
    settings: dict[str, Any], stated: dict[str, Any], prompts: Prompts, at: int, dimension: int
) -> Envelope:
    fields = {
        "provider": UNSTATED,
        "model": settings.get("model", UNSTATED),
        "revision": UNSTATED,
        "pooling": UNSTATED,
        "normalisation": "l2",
        "similarity": "cosine",
        "prompts": prompts,
        "dimension": dimension,
        "created_at": at,
    }
    return parse_envelope({**fields, **stated}, "what is stated of the model")
