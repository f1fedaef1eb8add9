"""A model that is exchanged behind its encoder: nothing is asked, stored or begun with it."""

from pathlib import Path

import pytest
from aiohttp import web

from node.collections.registry import Collections
from node.encoders.add import add
from node.encoders.encoder import Encoder
from node.encoders.errors import EncoderChanged, EncoderFailed
from node.encoders.live import DOCUMENTS_S, LOOK_EVERY_S, RECOVERY_S, LiveSketch
from node.encoders.registry import Encoders
from node.index.settings import IndexSettings
from node.ingest.record import Record
from node.operations.registry import silent
from node.store.store import Store
from protocol.probe import PROBE_TEXTS, TOLERANCE
from tests.node.collections.rooms import NOW
from tests.node.encoders.server import Server

PATCHED, ROUNDED = 1.0, 0.001  # noise on the vectors


class Hours:
    """A clock that only moves when told."""

    at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
async def encoder(encoders: Encoders, server: Server) -> Encoder:
    settings = {"url": server.url, "model": "hashed-words", "retries": 0}
    return await add(encoders, "e", "openai", settings, {}, None, [], NOW)


def watched(encoder: Encoder, clock: Hours) -> LiveSketch:
    """The encoder's watch, by a clock that the test moves."""
    encoder.live = LiveSketch(
        encoder.name,
        encoder.envelope,
        lambda: encoder.encode_raw(PROBE_TEXTS, "document"),
        clock,
    )
    encoder.live.trust()
    return encoder.live


async def test_a_patched_model_is_refused_with_the_distance_until_it_is_back(
    encoder: Encoder, server: Server
) -> None:
    clock = Hours()
    live = watched(encoder, clock)
    server.noise = PATCHED
    clock.at = DOCUMENTS_S + 1
    await encoder.encode(["a question"], "query")  # rests on a look that is younger than it may be
    with pytest.raises(EncoderChanged, match=r"lies 0\.\d{4} from the envelope's") as refused:
        await encoder.encode(["a document"], "document")
    assert live.apart is not None
    assert live.apart > TOLERANCE
    assert "under a new name" in refused.value.fix
    with pytest.raises(EncoderChanged):
        await encoder.encode(["a question"], "query")
    server.noise = ROUNDED
    with pytest.raises(EncoderChanged):
        await encoder.encode(["a question"], "query")
    clock.at += RECOVERY_S + 1
    await encoder.encode(["a question"], "query")
    assert not live.changed


async def test_a_question_does_not_rest_on_an_old_look(encoder: Encoder, server: Server) -> None:
    clock = Hours()
    watched(encoder, clock)
    server.noise = PATCHED
    clock.at = LOOK_EVERY_S + 1
    with pytest.raises(EncoderChanged):
        await encoder.encode(["a question"], "query")


async def test_the_first_use_after_a_start_looks_once(encoder: Encoder, server: Server) -> None:
    before = len(server.texts)
    encoder.live = LiveSketch(
        "e", encoder.envelope, lambda: encoder.encode_raw(PROBE_TEXTS, "document")
    )
    for _ in range(3):
        await encoder.encode(["a question"], "query")
    assert len(server.texts) - before == len(PROBE_TEXTS) + 3


async def test_while_serving_the_node_looks_at_every_model_and_goes_on(
    encoders: Encoders, encoder: Encoder, server: Server
) -> None:
    server.noise = PATCHED
    await encoders.look()
    assert encoder.live.changed
    fail(server)
    await encoders.look()
    assert encoder.live.changed


def fail(server: Server) -> None:
    server.misbehave = lambda *_: web.Response(status=500)


@pytest.mark.usefixtures("encoder")
async def test_nothing_is_ingested_and_no_collection_begun_with_another_model(
    tmp_path: Path, encoders: Encoders, server: Server
) -> None:
    store = Store.open(tmp_path / "store.db")
    collections = Collections(store, tmp_path / "indexes", encoders, IndexSettings(), lambda: NOW)
    docs = await collections.create("docs", "e")
    records = [Record("one", "line 1", text="a document")]
    await docs.ingest(records, 1, silent)
    server.noise = PATCHED
    await encoders.look()
    with pytest.raises(EncoderChanged):
        await docs.ingest([Record("two", "line 2", text="another")], 1, silent)
    with pytest.raises(EncoderChanged):
        await collections.create("more", "e")
    assert docs.documents == 1
    await collections.close()
    store.close()


async def test_a_model_that_does_not_answer_is_not_taken_for_another(
    encoder: Encoder, server: Server
) -> None:
    clock = Hours()
    watched(encoder, clock)
    fail(server)
    clock.at = LOOK_EVERY_S + 1
    with pytest.raises(EncoderFailed):
        await encoder.encode(["a question"], "query")
    assert not encoder.live.changed
