"""Adding an encoder: measured, not believed; the same model gets the same space."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web

from node.encoders.add import add
from node.encoders.encoder import Encoder
from node.encoders.errors import (
    EncoderError,
    EncoderExists,
    EncoderFailed,
    EncoderMisconfigured,
    EncoderTakesVectors,
    UnknownEncoder,
)
from node.encoders.live import sketch_distance
from node.encoders.measure import probe_vectors
from node.encoders.registry import Encoders
from node.federation.planning import plan_for
from node.federation.reach import reach
from node.federation.routing import NoRoute, SameSpace
from node.store.store import Store
from protocol.envelope import Envelope
from protocol.probe import PROBE_TEXTS
from tests.node.collections.rooms import NOW, envelope
from tests.node.encoders.server import WIDTH, Server
from tests.protocol.organisation import card


async def added(
    encoders: Encoders,
    server: Server,
    name: str = "e",
    known: list[Envelope] | None = None,
    envelope_file: Path | None = None,
    settings: dict[str, Any] | None = None,
    **stated: Any,
) -> Encoder:
    fields = {"url": server.url, "model": "hashed-words", "retries": 0, **(settings or {})}
    return await add(encoders, name, "openai", fields, stated, envelope_file, known or [], NOW)


async def test_dimension_and_sketch_are_measured(encoders: Encoders, server: Server) -> None:
    encoder = await added(encoders, server, revision="r1", max_tokens=128)
    own = encoder.envelope
    assert (own.dimension, own.model, own.revision, own.max_tokens) == (
        WIDTH, "hashed-words", "r1", 128,
    )  # fmt: skip
    assert own.probe is not None
    assert server.texts == list(PROBE_TEXTS)
    assert sketch_distance(own, await probe_vectors(encoders.get("e"))) == 0
    assert encoders.names() == ["e"]


async def test_the_same_model_elsewhere_has_the_same_space(
    encoders: Encoders, server: Server
) -> None:
    first = (await added(encoders, server)).envelope
    server.noise = 0.001
    second = (await added(encoders, server, "again", known=[first])).envelope
    minted = (await added(encoders, server, "alone")).envelope
    assert second.space_id == first.space_id
    assert minted.space_id != first.space_id
    server.noise = 1.0
    patched = (await added(encoders, server, "patched", known=[first])).envelope
    assert patched.space_id != first.space_id


async def test_prompts_are_part_of_the_space(encoders: Encoders, server: Server) -> None:
    plain = (await added(encoders, server)).envelope
    settings = {"document_prompt": "passage: "}
    prompted = (await added(encoders, server, "p", known=[plain], settings=settings)).envelope
    assert prompted.prompts != plain.prompts
    assert prompted.space_id != plain.space_id


async def test_a_partners_envelope_must_fit_the_model(
    encoders: Encoders, server: Server, tmp_path: Path
) -> None:
    first = (await added(encoders, server, revision="theirs")).envelope
    file = tmp_path / "envelope.json"
    file.write_text(first.model_dump_json())
    server.noise = 0.001
    second = await added(encoders, server, "same", envelope_file=file)
    assert second.envelope.space_id == first.space_id
    server.noise = 1.0
    with pytest.raises(EncoderMisconfigured, match="not the one of the given envelope"):
        await added(encoders, server, "other", envelope_file=file)
    with pytest.raises(EncoderMisconfigured, match="other prompts"):
        await added(encoders, server, "o", envelope_file=file, settings={"query_prompt": "q: "})
    with pytest.raises(EncoderMisconfigured, match="states revision already"):
        await added(encoders, server, "o", envelope_file=file, revision="mine")
    assert encoders.names() == ["e", "same"]


async def test_a_known_space_is_taken_over_under_its_own_names(
    encoders: Encoders, server: Server
) -> None:
    """As `encoder add --as` does where a partner calls the same model otherwise."""
    theirs = (await added(encoders, server, provider="them", revision="theirs")).envelope
    settings = {"url": server.url, "model": "our-name-of-it"}
    server.noise = 0.001
    known: list[Envelope] = [theirs]
    ours = await add(encoders, "ours", "openai", settings, {}, None, known, NOW, theirs)
    assert ours.envelope.space_id == theirs.space_id
    server.noise = 1.0
    with pytest.raises(EncoderMisconfigured, match="not the one of the given envelope"):
        await add(encoders, "patched", "openai", settings, {}, None, known, NOW, theirs)
    with pytest.raises(EncoderMisconfigured, match="states revision already"):
        await add(encoders, "o", "openai", settings, {"revision": "2"}, None, known, NOW, theirs)


async def test_a_model_is_cut_and_its_cut_is_a_space_that_others_share(
    encoders: Encoders, server: Server
) -> None:
    settings = {"url": server.url, "model": "hashed-words", "retries": 0}
    whole = await added(encoders, server)
    short = await add(encoders, "short", "openai", settings, {}, None, [], NOW, truncate=8)
    assert (short.envelope.dimension, short.envelope.truncated_from) == (8, WIDTH)
    assert short.envelope.space_id != whole.envelope.space_id
    (row,) = await short.encode(["words"], "query")
    (full,) = await whole.encode(["words"], "query")
    assert row.shape == (8,)
    assert np.allclose(row, full[:8] / np.linalg.norm(full[:8]), atol=1e-6)
    again = await add(
        encoders, "again", "openai", settings, {}, None, [], NOW, wanted=short.envelope
    )
    assert again.envelope.space_id == short.envelope.space_id
    assert (await again.encode(["words"], "query")).shape == (1, 8)
    for wrong in (0, WIDTH, WIDTH + 1):
        with pytest.raises(EncoderMisconfigured, match=f"cannot be cut to {wrong}"):
            await add(encoders, "w", "openai", settings, {}, None, [], NOW, truncate=wrong)


async def test_a_longer_vector_is_cut_for_a_partner_with_a_shorter_space_of_the_model(
    encoders: Encoders, server: Server
) -> None:
    settings = {"url": server.url, "model": "hashed-words", "retries": 0}
    whole = await added(encoders, server)
    server.noise = 0.001
    short = await add(encoders, "short", "openai", settings, {}, None, [], NOW, truncate=16)
    server.noise = 2.0
    other = await add(encoders, "other", "openai", settings, {}, None, [], NOW, truncate=8)
    server.noise = 0.0
    theirs = card(spaces=(short.envelope, other.envelope), routes=())
    plan = await plan_for(whole, theirs, short.envelope.space_id, SameSpace())
    assert (plan.cut, plan.envelope.space_id) == (True, short.envelope.space_id)
    reached = await reach(whole, theirs, short.envelope.space_id, SameSpace())
    assert reached.in_words() == "same, cut to 16 components"
    with pytest.raises(NoRoute):
        await plan_for(whole, theirs, other.envelope.space_id, SameSpace())
    with pytest.raises(NoRoute):
        await plan_for(other, theirs, short.envelope.space_id, SameSpace())


async def test_a_failing_model_leaves_no_encoder(encoders: Encoders, server: Server) -> None:
    server.misbehave = lambda *_: web.Response(status=500)
    with pytest.raises(EncoderFailed):
        await added(encoders, server)
    assert encoders.names() == []


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"name": "No Name"}, "cannot name an encoder"),
        ({"settings": {"url": "ftp://x"}}, "url must be the URL of an embeddings server"),
        ({"settings": {"batsch": 3}}, "batsch is not known"),
        ({"similarity": "manhattan"}, "similarity must be one of"),
        ({"colour": "red"}, "colour is not known"),
        ({"dimension": 7}, None),
    ],
)
async def test_settings_that_cannot_work_are_named(
    encoders: Encoders, server: Server, changes: dict[str, Any], match: str | None
) -> None:
    with pytest.raises(EncoderError, match=match):
        await added(encoders, server, **changes)
    assert encoders.names() == []


async def test_a_setting_that_is_missing_is_named_with_an_example(encoders: Encoders) -> None:
    with pytest.raises(EncoderMisconfigured, match="url is missing; model is missing") as refused:
        await add(encoders, "e", "openai", {}, {}, None, [], NOW)
    assert "--url http://127.0.0.1:8080/v1 --model bge-small" in refused.value.fix


async def test_vectors_of_the_caller_need_an_envelope(encoders: Encoders, tmp_path: Path) -> None:
    with pytest.raises(EncoderMisconfigured, match="need an envelope") as refused:
        await add(encoders, "mine", "caller", {}, {}, None, [], NOW)
    assert "--envelope FILE" in refused.value.fix
    file = tmp_path / "e.toml"
    file.write_text(
        'provider = "us"\nmodel = "m"\nrevision = "1"\ndimension = 4\npooling = "mean"\n'
        'normalisation = "l2"\nsimilarity = "cosine"\n[prompts]\n'
        + "".join(f'{role} = "{envelope().prompts.query}"\n' for role in ("query", "document"))
    )
    encoder = await add(encoders, "mine", "caller", {}, {}, file, [], NOW)
    assert (encoder.takes_text, encoder.envelope.dimension) == (False, 4)
    with pytest.raises(EncoderTakesVectors, match="vectors that you compute"):
        await encoder.encode(["words"], "query")


async def test_a_caller_shows_its_model_by_the_vectors_of_the_probe_texts(
    encoders: Encoders, server: Server, tmp_path: Path
) -> None:
    theirs = (await added(encoders, server)).envelope
    vectors = await encoders.get("e").encode_raw(PROBE_TEXTS, "document")
    file, bare = tmp_path / "probe.npy", tmp_path / "bare.json"
    np.save(file, vectors)
    bare.write_text(theirs.model_copy(update={"probe": None}).model_dump_json())

    async def caller(name: str, probe: Path, **wanted: Any) -> Encoder:
        given = {"envelope_file": bare} | wanted
        return await add(
            encoders, name, "caller", {}, {}, known=[theirs], at=NOW, probe_file=probe, **given
        )

    assert (await caller("mine", file)).envelope.space_id == theirs.space_id
    patched = tmp_path / "patched.npy"
    np.save(patched, vectors + np.random.default_rng(1).normal(size=vectors.shape))
    assert (await caller("other", patched)).envelope.space_id != theirs.space_id
    with pytest.raises(EncoderMisconfigured, match="not the one of the given envelope"):
        await caller("no", patched, envelope_file=None, wanted=theirs)
    (tmp_path / "text.npy").write_text("no array")
    np.save(tmp_path / "few.npy", vectors[:5])
    for wrong in ("none.npy", "text.npy", "few.npy"):
        with pytest.raises(EncoderMisconfigured, match=wrong):
            await caller("no", tmp_path / wrong)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"provider": 1}', b"\xff", b" " * 70_000])
async def test_what_is_no_envelope_is_refused(
    encoders: Encoders, tmp_path: Path, content: bytes
) -> None:
    for name in ("e.json", "e.toml"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(EncoderMisconfigured, match=name):
            await add(encoders, "mine", "caller", {}, {}, tmp_path / name, [], NOW)
    with pytest.raises(EncoderMisconfigured, match="cannot be read"):
        await add(encoders, "mine", "caller", {}, {}, tmp_path / "none.json", [], NOW)


async def test_names_are_taken_once_and_given_back(encoders: Encoders, server: Server) -> None:
    await added(encoders, server)
    with pytest.raises(EncoderExists):
        await added(encoders, server)
    await encoders.remove("e")
    with pytest.raises(UnknownEncoder, match="no encoder 'e'") as refused:
        encoders.get("e")
    assert "encoder list" in refused.value.fix
    await added(encoders, server)


async def test_an_encoder_is_the_same_after_reopening(
    tmp_path: Path, encoders: Encoders, server: Server
) -> None:
    settings = {"query_prompt": "q: "}
    first = await added(encoders, server, settings=settings, max_tokens=100)
    store = Store.open(tmp_path / "store.db")
    reopened = Encoders(store, lambda: NOW)
    again = reopened.get("e")
    assert (again.envelope, again.prompts) == (first.envelope, first.prompts)
    assert again.chunk_tokens == 98
    assert reopened.settings_of("e") == encoders.settings_of("e")
    await again.encode(["words"], "query")
    assert server.texts[-1] == "q: words"
    await reopened.close()
    store.close()
