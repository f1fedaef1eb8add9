"""Operations on encoders: add, list, show, test, remove."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from node.operations.caller import caller
from node.operations.registry import NoRequest, Progress, operation
from protocol.envelope import Envelope

if TYPE_CHECKING:
    from node.encoders.encoder import Encoder
    from node.node import Node

EncoderKind = Literal["openai", "sentence-transformers", "caller"]

_SAMPLE_TEXTS = 16  # of the probe texts, for the latency of a batch


class AddEncoder(BaseModel, extra="forbid"):
    """A new encoder.

    `settings` are those of its kind, with `query_prompt` and `document_prompt`; `stated` are
    envelope fields, or `envelope_file` is a whole envelope in JSON or TOML, or `space` the id of a
    known one (a partner's card, another encoder) that the model must match. `truncate` cuts its
    vectors to so many components. `probe_vectors` is a .npy file of the probe texts' vectors, where
    the caller computes them. `training_cutoff` (a year, month or day) and `fine_tuning` are for the
    own catalog and no part of the envelope.
    """

    name: str
    kind: EncoderKind
    settings: dict[str, Any] = {}
    stated: dict[str, Any] = {}
    envelope_file: Path | None = None
    space: str | None = None
    truncate: int | None = None
    probe_vectors: Path | None = None
    training_cutoff: Annotated[str, Field(pattern=r"^\d{4}(-\d{2}){0,2}$")] | None = None
    fine_tuning: Annotated[str, Field(max_length=512)] | None = None


class EncoderName(BaseModel, extra="forbid"):
    """Names one encoder."""

    name: str


class EncoderInfo(BaseModel):
    """An encoder; its settings hold no secret."""

    name: str
    kind: EncoderKind
    space: str
    envelope: Envelope
    settings: dict[str, Any]


class Likeness(BaseModel):
    """A known space that a new encoder's model resembles (node/encoders/likeness.py)."""

    model_config = ConfigDict(from_attributes=True)

    kind: Literal["shared", "same-model", "same-name"]
    holder: str
    space: str
    model: str
    apart: float
    words: str
    reasons: tuple[str, ...]


class AddedEncoder(EncoderInfo):
    """A new encoder, and the known spaces that its model resembles."""

    likenesses: tuple[Likeness, ...] = ()


class EncoderList(BaseModel):
    """All encoders, by name."""

    encoders: tuple[EncoderInfo, ...]


class EncoderTest(BaseModel, extra="forbid"):
    """Which encoder to test, with own texts if wanted."""

    name: str
    texts: tuple[str, ...] = ()


class EncoderTested(BaseModel):
    """What an encoder did.

    `lengths`: shortest and longest vector as the model gives them. `one_ms`, `batch_ms`: time for
    one text and for `batch` texts. `sketch_distance`: how far its probe sketch lies from that of
    its space, None without one; `same_model` says whether that is within tolerance.
    `cosines`: among own texts, in order, row by row.
    """

    name: str
    space: str
    dimension: int
    lengths: tuple[float, float]
    one_ms: float
    batch: int
    batch_ms: float
    sketch_distance: float | None
    tolerance: float
    same_model: bool
    cosines: tuple[tuple[float, ...], ...] = ()


@operation("encoder.add")
async def add(node: Node, request: AddEncoder, progress: Progress) -> AddedEncoder:
    """Add an encoder: probe its model and keep its envelope."""
    import asyncio

    from node.encoders.add import add as add_encoder
    from node.encoders.likeness import Known, find_space, likenesses

    progress(0, None, "probing the model")
    known = [Known("this node", encoder.envelope) for encoder in node.encoders.all()]
    known += [
        Known(peer.organisation, space) for peer in node.peers.all() for space in peer.card.spaces
    ]

    async def noted(envelope: Envelope) -> None:
        # the leaf first: nothing is encoded by a model that the log does not know
        await note(node, "encoder-add", request.name, envelope.space_id)
        if request.settings.get("allow_external"):  # texts may leave for a server outside
            await note(node, "encoder-allow-external", request.name)

    encoder = await add_encoder(
        node.encoders, request.name, request.kind, request.settings, request.stated,
        request.envelope_file, [each.envelope for each in known], node.clock(),
        None if request.space is None else find_space(request.space, known),
        request.truncate, request.probe_vectors, noted,
    )  # fmt: skip
    if request.training_cutoff or request.fine_tuning:
        await asyncio.to_thread(
            node.encoders.state, request.name, request.training_cutoff, request.fine_tuning
        )
    info = _info(node, encoder)
    found = likenesses(encoder.envelope, known)
    return AddedEncoder(**dict(info), likenesses=tuple(map(Likeness.model_validate, found)))


async def note(node: Node, act: str, name: str, space: str | None = None) -> None:
    """Leave an `admin` leaf that names an encoder, and the space of its vectors."""
    from node.audit.entry import Entry
    from protocol.event_leaves import AdminActed

    leaf = AdminActed(at=node.clock(), by=caller(), operation=act, subject=name, detail=space)
    await node.log.append(Entry(leaf))


@operation("encoder.list")
async def list_encoders(node: Node, request: NoRequest, progress: Progress) -> EncoderList:
    """List the encoders."""
    del request, progress
    return EncoderList(encoders=tuple(_info(node, encoder) for encoder in node.encoders.all()))


@operation("encoder.show")
async def show(node: Node, request: EncoderName, progress: Progress) -> EncoderInfo:
    """Show one encoder with its envelope."""
    del progress
    return _info(node, node.encoders.get(request.name))


@operation("encoder.remove")
async def remove(node: Node, request: EncoderName, progress: Progress) -> EncoderInfo:
    """Forget an encoder that no collection was made with."""
    del progress
    info = _info(node, node.encoders.get(request.name))
    await node.encoders.remove(request.name)
    await note(node, "encoder-remove", request.name, info.space)
    return info


@operation("encoder.test")
async def test(node: Node, request: EncoderTest, progress: Progress) -> EncoderTested:
    """Encode samples: width, lengths, time, and whether it is still the same model."""
    from node.encoders.measure import lengths, probe_vectors
    from node.encoders.vectors import checked
    from protocol.probe import PROBE_TEXTS, TOLERANCE

    encoder = node.encoders.get(request.name)
    progress(0, None, "encoding samples")
    vectors = await probe_vectors(encoder)
    one_ms = await _timed(encoder, PROBE_TEXTS[:1])
    batch_ms = await _timed(encoder, PROBE_TEXTS[:_SAMPLE_TEXTS])
    apart = await encoder.live.look()
    cosines: tuple[tuple[float, ...], ...] = ()
    if request.texts:
        own = checked(await encoder.encode_raw(request.texts, "document"), encoder.envelope)
        unit = own / (own**2).sum(axis=1, keepdims=True) ** 0.5
        cosines = tuple(tuple(round(float(cell), 4) for cell in row) for row in unit @ unit.T)
    return EncoderTested(
        name=encoder.name,
        space=encoder.envelope.space_id,
        dimension=vectors.shape[1],
        lengths=lengths(vectors),
        one_ms=one_ms,
        batch=_SAMPLE_TEXTS,
        batch_ms=batch_ms,
        sketch_distance=apart,
        tolerance=TOLERANCE,
        same_model=apart is None or apart <= TOLERANCE,
        cosines=cosines,
    )


async def _timed(encoder: Encoder, texts: tuple[str, ...]) -> float:
    begun = time.perf_counter()
    await encoder.encode_raw(texts, "document")
    return round((time.perf_counter() - begun) * 1000, 2)


def _info(node: Node, encoder: Encoder) -> EncoderInfo:
    return EncoderInfo(
        name=encoder.name,
        kind=encoder.kind,
        space=encoder.envelope.space_id,
        envelope=encoder.envelope,
        settings=node.encoders.settings_of(encoder.name),
    )
