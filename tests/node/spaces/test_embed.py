from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web

from node.encoders.encoder import Encoder
from node.encoders.errors import EncoderFailed
from node.encoders.registry import open_encoder
from node.spaces.anchor_set import Anchor, AnchorSet, make_anchor_set
from node.spaces.anchor_store import AnchorStore
from node.spaces.embed import (
    BATCH,
    embed,
    embeddings_path,
    keep_given,
    stored_embeddings,
)
from node.spaces.errors import EmbeddingsRefused, NotEmbedded
from protocol.envelope import Envelope
from tests.adapters.worlds import unit
from tests.node.encoders.server import WIDTH, Misbehaviour, Server, serving
from tests.node.encoders.server import embed as hashed
from tests.node.spaces.consortium import AT, envelope, unseen

SPACE: Envelope = envelope("a.example", WIDTH)


TEXTS = [Anchor(f"number {i} of many", f"which is {i}") for i in range(200)]


def anchors() -> AnchorSet:
    return make_anchor_set(TEXTS)


def encoder(server: Server, **settings: object) -> Encoder:
    plain = {"url": server.url, "model": "m", "retries": 0, **settings}
    return open_encoder("e", "openai", plain, SPACE)


def store(tmp_path: Path, wanted: AnchorSet) -> AnchorStore:
    folder = tmp_path / "anchors"
    folder.mkdir()
    made = AnchorStore(folder)
    made.add("public", wanted, AT)
    return made


async def test_both_views_are_embedded_once_and_for_all(tmp_path: Path) -> None:
    wanted = anchors()
    rooms = store(tmp_path, wanted)
    async with serving() as server:
        model = encoder(server)
        made = await embed(rooms, wanted, model, "a.example", unseen)
        asked = len(server.texts)
        again = await embed(rooms, wanted, model, "a.example", unseen)
        await model.close()
    assert asked == len(server.texts) == 400
    assert made.digest == again.digest
    assert made.digest == stored_embeddings(rooms, wanted.set_id, SPACE.space_id).digest
    assert made.document.shape == made.query.shape == (200, WIDTH)


async def test_after_an_interruption_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    wanted = anchors()
    rooms = store(tmp_path, wanted)
    async with serving() as server:
        model = encoder(server, concurrency=1)
        whole = await embed(store(tmp_path / _made(tmp_path), wanted), wanted, model, "a", unseen)
        first = len(server.calls)
        server.misbehave = lambda number, _: (
            web.Response(status=500) if number > first + 2 else None
        )
        with pytest.raises(EncoderFailed):
            await embed(rooms, wanted, model, "a.example", unseen)
        rows = embeddings_path(rooms, wanted.set_id, SPACE.space_id).with_name("document.f32")
        done = rows.stat().st_size // (4 * WIDTH)
        with rows.open("ab") as file:
            file.write(b"half")  # a crash in the middle of a row
        server.misbehave = lambda *_: None
        before = len(server.texts)
        resumed = await embed(rooms, wanted, model, "a.example", unseen)
        await model.close()
    assert done >= BATCH
    assert len(server.texts) - before == 400 - done
    assert (resumed.document == whole.document).all()
    assert (resumed.query == whole.query).all()


def _made(tmp_path: Path) -> str:
    (tmp_path / "other").mkdir()
    return "other"


async def test_texts_of_which_the_model_makes_nothing_become_rows_of_zeros(tmp_path: Path) -> None:
    wanted = make_anchor_set([*TEXTS, Anchor("silence", "quiet"), Anchor("void", "nothing")])
    rooms = store(tmp_path, wanted)
    async with serving() as server:
        server.misbehave = _mute("silence", "void")
        model = encoder(server)
        made = await embed(rooms, wanted, model, "a.example", unseen)
        await model.close()
    assert int((~made.usable).sum()) == 2


async def test_a_model_that_is_mute_on_many_texts_is_refused(tmp_path: Path) -> None:
    wanted = anchors()
    rooms = store(tmp_path, wanted)
    async with serving() as server:
        server.misbehave = _mute(*(f"number {i} of many" for i in range(30)))
        model = encoder(server)
        with pytest.raises(EmbeddingsRefused, match="makes nothing of 30 of 200"):
            await embed(rooms, wanted, model, "a.example", unseen)
        await model.close()


def test_what_was_not_embedded_is_said_to_be_missing(tmp_path: Path) -> None:
    wanted = anchors()
    with pytest.raises(NotEmbedded, match="not been embedded"):
        stored_embeddings(store(tmp_path, wanted), wanted.set_id, SPACE.space_id)


def _mute(*texts: str) -> Misbehaviour:
    """A model that gives zeros for these texts."""

    def answer(_: int, body: dict[str, Any]) -> web.Response | None:
        if not set(texts) & set(body["input"]):
            return None
        rows = [[0.0] * WIDTH if text in texts else hashed(text) for text in body["input"]]
        return web.json_response(
            {"data": [{"index": at, "embedding": row} for at, row in enumerate(rows)]}
        )

    return answer


def test_vectors_that_are_computed_elsewhere_are_kept(tmp_path: Path) -> None:
    wanted = anchors()
    rooms = store(tmp_path, wanted)
    model = open_encoder("given", "caller", {}, SPACE)
    files = [tmp_path / "d.npy", tmp_path / "q.npy"]
    for seed, path in enumerate(files):
        np.save(path, unit(np.random.default_rng(seed).normal(size=(200, WIDTH))))
    made = keep_given(rooms, wanted, model, "a.example", files)
    assert keep_given(rooms, wanted, model, "a.example", files).digest == made.digest
    assert stored_embeddings(rooms, wanted.set_id, SPACE.space_id).digest == made.digest
    with pytest.raises(EmbeddingsRefused, match="other embeddings"):
        keep_given(rooms, wanted, model, "a.example", files[::-1])


@pytest.mark.parametrize("fault", ["rows", "width", "nan", "text"])
def test_vectors_that_do_not_fit_are_refused(tmp_path: Path, fault: str) -> None:
    wanted = anchors()
    rooms = store(tmp_path, wanted)
    model = open_encoder("given", "caller", {}, SPACE)
    rows = unit(np.random.default_rng(0).normal(size=(200, WIDTH)))
    if fault == "nan":
        rows[3, 3] = np.nan
    path = tmp_path / "d.npy"
    np.save(path, rows[1:] if fault == "rows" else rows[:, 1:] if fault == "width" else rows)
    if fault == "text":
        path.write_text("no vectors")
    with pytest.raises(EmbeddingsRefused):
        keep_given(rooms, wanted, model, "a.example", [path, path])
