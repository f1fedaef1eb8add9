"""Encoders of an evaluation: by the name they have in the node, or by a specification.

    lab                                            an encoder of the node of --data
    sentence-transformers:MODEL                    a directory, or a name in the library's cache
    openai:http://127.0.0.1:8080/v1#MODEL          a server with the OpenAI embeddings call

A specification is probed as `encoder add` does, and nothing of it is kept. Encoding takes longest,
so vectors may be kept in a folder: a file's name holds the space, probe sketch included, so that
another model's vectors are never taken for this one's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node import durable_file
from node.encoders.add import probed
from node.encoders.encoder import Encoder, Kind, Role
from node.encoders.registry import open_encoder
from node.evaluate.data_set import DataSet
from node.evaluate.errors import SpecRefused
from node.evaluate.member import Member
from node.operations.registry import Progress
from node.spaces.anchor_set import AnchorSet
from node.spaces.embed import encode_or_zeros
from node.spaces.embedding_file import AnchorEmbeddings, sound_rows

BATCH = 64
FORMS = "sentence-transformers:MODEL or openai:URL#MODEL"

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Spec:
    """An encoder that no node has: its kind and settings, and what tables call it."""

    name: str
    kind: Kind
    settings: dict[str, Any]


def parse_spec(text: str) -> Spec | None:
    """Read a specification; None where it is a plain name.

    Raises:
        SpecRefused: a kind that runs no model, or a part is missing.
    """
    kind, colon, rest = text.partition(":")
    if not colon:
        return None
    if kind == "sentence-transformers" and rest:
        return Spec(Path(rest).name, "sentence-transformers", {"model": rest})
    url, _, model = rest.rpartition("#")
    if kind == "openai" and url and model:
        return Spec(model, "openai", {"model": model, "url": url})
    raise SpecRefused(f"{text!r} specifies no encoder", fix=f"Write {FORMS}, or a node's encoder.")


async def opened(spec: Spec, at: int) -> Encoder:
    """Open and probe the encoder of a specification. Raises EncoderError."""
    envelope = await probed(spec.name, spec.kind, spec.settings, {}, None, (), at)
    return open_encoder(spec.name, spec.kind, spec.settings, envelope)


def distinct_names(encoders: Iterable[Encoder]) -> list[str]:
    """Return the encoders' names, numbered where two are the same."""
    names: list[str] = []
    for each in encoders:
        again = sum(name.split(" ")[0] == each.name for name in names)
        names.append(f"{each.name} {again + 1}" if again else each.name)
    return names


async def encoded_member(
    name: str,
    encoder: Encoder,
    data: DataSet,
    anchors: AnchorSet,
    cache: Path | None,
    progress: Progress,
) -> Member:
    """Encode everything that an evaluation needs of one model.

    Raises:
        EncoderError: the model fails, or its vectors are computed by the caller.
        EmbeddingsRefused: the model makes nothing of too many anchors.
    """
    parts: list[tuple[Sequence[str], Role]] = [
        (anchors.texts("document"), "document"),
        (anchors.texts("query"), "query"),
        (list(data.documents.values()), "document"),
        (list(data.questions.values()), "query"),
    ]
    total, done = sum(len(texts) for texts, _ in parts), 0
    rows = []
    for texts, role in parts:
        rows.append(await _encoded(name, encoder, texts, role, cache, progress, done, total))
        done += len(texts)
    document, query, documents, questions = rows
    envelope = encoder.envelope
    own = AnchorEmbeddings(
        f"silo-{name.replace('_', '-').replace(' ', '-')}",
        envelope.describing(role=None, created_at=None),
        anchors.set_id,
        sound_rows(document, envelope),
        sound_rows(query, envelope),
    )
    return Member(name, own, documents, questions)


async def _encoded(
    name: str,
    encoder: Encoder,
    texts: Sequence[str],
    role: Role,
    cache: Path | None,
    progress: Progress,
    done: int,
    total: int,
) -> FloatArray:
    path = None if cache is None else cache / _file_name(encoder, texts, role)
    if path is not None and path.exists():
        kept: FloatArray = np.load(path, allow_pickle=False)
        if kept.shape == (len(texts), encoder.envelope.dimension):
            return kept
    batches = []
    for start in range(0, len(texts), BATCH):
        batches.append(await encode_or_zeros(encoder, texts[start : start + BATCH], role))
        progress(done + start + len(batches[-1]), total, f"encoding with {name}")
    rows = np.concatenate(batches)
    if path is not None:
        durable_file.replace(path, _npy(rows))
    return rows


def _file_name(encoder: Encoder, texts: Sequence[str], role: Role) -> str:
    hashed = hashlib.sha256(f"{encoder.envelope.space_id}\0{role}".encode())
    for text in texts:
        hashed.update(b"\0" + text.encode())
    return f"{hashed.hexdigest()[:32]}.npy"


def _npy(rows: FloatArray) -> bytes:
    from io import BytesIO

    held = BytesIO()
    np.save(held, rows, allow_pickle=False)
    return held.getvalue()
