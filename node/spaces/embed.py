"""Embedding an anchor set: resumable, because a slow model takes long over thousands of texts.

    anchors/<set>/<space>/document.f32, query.f32   rows done so far, little-endian float32
    anchors/<set>/<space>/embeddings.safetensors    the whole, once both views are done

The rule of this file: the whole file is written once and never again, so that its digest, which
manifests pin, stays.
"""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from node import durable_file
from node.encoders.encoder import Encoder, Role
from node.encoders.errors import EncoderFailed
from node.operations.registry import Progress
from node.regular_file import open_regular
from node.spaces.anchor_set import AnchorSet
from node.spaces.anchor_store import AnchorStore
from node.spaces.embedding_file import AnchorEmbeddings, decode_embeddings, sound_rows
from node.spaces.errors import EmbeddingsRefused, NotEmbedded
from protocol.envelope import Envelope

FloatArray = NDArray[np.float32]

BATCH = 64
VIEWS: tuple[Role, Role] = ("document", "query")


def embeddings_path(store: AnchorStore, set_id: str, space: str) -> Path:
    """Where the embeddings of a set in a space lie, once they are whole."""
    return store.folder(set_id) / space.removeprefix("sha256:") / "embeddings.safetensors"


def stored_embeddings(store: AnchorStore, set_id: str, space: str) -> AnchorEmbeddings:
    """Read the own embeddings of a set. Raises NotEmbedded, EmbeddingsRefused."""
    path = embeddings_path(store, set_id, space)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise NotEmbedded(
            "the anchor set has not been embedded in this space",
            fix="interlingua anchors embed SET --encoder ENCODER",
        ) from None
    embeddings = decode_embeddings(raw)
    if (embeddings.anchors, embeddings.space_id) != (set_id, space):
        raise EmbeddingsRefused(
            f"{path} holds other embeddings",
            fix="Remove it and embed again.",
        )
    return embeddings


async def embed(
    store: AnchorStore,
    anchors: AnchorSet,
    encoder: Encoder,
    organisation: str,
    progress: Progress,
) -> AnchorEmbeddings:
    """Embed both views of a set, going on where an earlier run stopped.

    Raises:
        EncoderError: the model fails; what was done is kept.
        NotEmbedded: the encoder's vectors are computed by the caller (`keep_given`).
        EmbeddingsRefused: the model makes nothing of too many texts.
    """
    path = embeddings_path(store, anchors.set_id, encoder.envelope.space_id)
    if path.exists():
        return stored_embeddings(store, anchors.set_id, encoder.envelope.space_id)
    if not encoder.takes_text:
        raise NotEmbedded(
            f"the vectors of encoder {encoder.name} are computed by you",
            fix=(
                "Give those of the anchors with --documents and --queries (`interlingua anchors "
                "embed --help`)."
            ),
        )
    path.parent.mkdir(mode=0o700, exist_ok=True)
    for at, view in enumerate(VIEWS):
        texts = anchors.texts(view)
        await _embed_view(_rows_file(path, view), texts, view, encoder, progress, at * len(texts))
    views = [_read_rows(_rows_file(path, view), encoder.envelope) for view in VIEWS]
    embeddings = _embeddings(anchors, encoder, organisation, views)
    durable_file.replace(path, embeddings.encoded)
    for view in VIEWS:
        durable_file.remove(_rows_file(path, view))
    return embeddings


def keep_given(
    store: AnchorStore,
    anchors: AnchorSet,
    encoder: Encoder,
    organisation: str,
    given: Sequence[Path],
) -> AnchorEmbeddings:
    """Keep vectors that the caller computed, as .npy files of the document and the query views.

    Row i belongs to text i of the set in canonical order (`anchors texts`).

    Raises:
        EmbeddingsRefused: another shape than (texts, dimension), or vectors that are not sound; or
            there are others already, which manifests may pin.
    """
    path = embeddings_path(store, anchors.set_id, encoder.envelope.space_id)
    views = [sound_rows(_read_npy(each, len(anchors.anchors)), encoder.envelope) for each in given]
    made = _embeddings(anchors, encoder, organisation, views)
    if path.exists():
        known = stored_embeddings(store, anchors.set_id, encoder.envelope.space_id)
        if known.digest != made.digest:
            raise EmbeddingsRefused(
                f"other embeddings of this set are kept in {path}, and manifests may pin them",
                fix="Add a changed model as another encoder, and embed with that.",
            )
        return known
    path.parent.mkdir(mode=0o700, exist_ok=True)
    durable_file.replace(path, made.encoded)
    return made


def _embeddings(
    anchors: AnchorSet, encoder: Encoder, organisation: str, views: Sequence[FloatArray]
) -> AnchorEmbeddings:
    document, query = views
    envelope = encoder.envelope.describing(role=None, created_at=None)
    return AnchorEmbeddings(organisation, envelope, anchors.set_id, document, query)


def _read_npy(path: Path, rows: int) -> FloatArray:
    open_regular(path).close()
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise EmbeddingsRefused(
            f"{path} is not an array of numbers as numpy.save writes one ({type(error).__name__})",
            fix="Write it again: numpy.save(PATH, vectors), without objects and uncompressed.",
        ) from None
    if not isinstance(array, np.ndarray) or array.ndim != 2 or len(array) != rows:
        raise EmbeddingsRefused(
            f"{path} has not one row for each of the {rows} texts",
            fix="Compute them in the order of `interlingua anchors texts`.",
        )
    return np.ascontiguousarray(array, dtype=np.float32)


async def _embed_view(
    path: Path, texts: Sequence[str], role: Role, encoder: Encoder, progress: Progress, before: int
) -> None:
    """Append the missing rows of one view to its file, a batch at a time."""
    row_bytes = encoder.envelope.dimension * 4
    done = _rows_done(path, row_bytes)
    for start in range(done, len(texts), BATCH):
        batch = await encode_or_zeros(encoder, texts[start : start + BATCH], role)
        await asyncio.to_thread(_append, path, batch)
        progress(before + start + len(batch), 2 * len(texts), "texts")


def _rows_done(path: Path, row_bytes: int) -> int:
    """Count whole rows, and cut off one that a crash left half-written."""
    if not path.exists():
        return 0
    done = path.stat().st_size // row_bytes
    os.truncate(path, done * row_bytes)
    return done


def _append(path: Path, batch: FloatArray) -> None:
    with path.open("ab") as rows:
        rows.write(batch.astype("<f4").tobytes())
        rows.flush()
        os.fsync(rows.fileno())


async def encode_or_zeros(encoder: Encoder, texts: Sequence[str], role: Role) -> FloatArray:
    """Encode texts; a row of zeros for one of which the model makes nothing."""
    try:
        return await encoder.encode(texts, role)
    except EncoderFailed as error:
        if error.row is None:
            raise
        if len(texts) == 1:
            return np.zeros((1, encoder.envelope.dimension), np.float32)
        row = error.row
    parts = [texts[:row], texts[row : row + 1], texts[row + 1 :]]
    return np.concatenate([await encode_or_zeros(encoder, part, role) for part in parts if part])


def _rows_file(path: Path, view: Role) -> Path:
    return path.with_name(f"{view}.f32")


def _read_rows(path: Path, envelope: Envelope) -> FloatArray:
    rows = np.fromfile(path, dtype="<f4").reshape(-1, envelope.dimension)
    return sound_rows(np.ascontiguousarray(rows, dtype=np.float32), envelope)
