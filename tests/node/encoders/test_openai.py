"""The embeddings call: batches in order, bounded retries, no address but the permitted ones."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web

from node.encoders import openai
from node.encoders.encoder import Encoder, RolePrompts
from node.encoders.errors import EncoderError, EncoderFailed, EncoderMisconfigured
from node.encoders.openai import OpenAIBackend, OpenAISettings
from tests.node.collections.rooms import envelope
from tests.node.encoders.server import WIDTH, Server, embed, serving


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    monkeypatch.setattr(openai, "_FIRST_PAUSE_S", 0.001)
    async with serving() as server:
        yield server


async def embedded(server: Server, texts: list[str], **settings: Any) -> np.ndarray[Any, Any]:
    fields = {"url": server.url, "model": "m", "retries": 2, **settings}
    backend = OpenAIBackend(OpenAISettings.model_validate(fields))
    try:
        return await backend.embed(texts)
    finally:
        await backend.close()


async def test_batches_come_back_in_order(server: Server) -> None:
    texts = [f"text {number}" for number in range(23)]
    vectors = await embedded(server, texts, batch=5)
    np.testing.assert_allclose(vectors, [embed(text) for text in texts], rtol=1e-6)
    assert sorted(len(call["input"]) for call in server.calls) == [3, 5, 5, 5, 5]
    assert server.calls[0] | {"input": None} == {
        "model": "m", "input": None, "encoding_format": "float",
    }  # fmt: skip


async def test_no_more_calls_at_once_than_allowed(server: Server) -> None:
    server.pause_s = 0.01
    await embedded(server, [str(number) for number in range(12)], batch=1, concurrency=3)
    assert 1 < server.most_running <= 3


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_busy_server_is_asked_again(server: Server, status: int) -> None:
    server.misbehave = lambda call, _: web.Response(status=status) if call < 3 else None
    assert (await embedded(server, ["a"])).shape == (1, WIDTH)
    assert len(server.calls) == 3


async def test_retries_end(server: Server) -> None:
    server.misbehave = lambda *_: web.Response(status=503)
    with pytest.raises(EncoderFailed, match="answered 503 and did so 3 times"):
        await embedded(server, ["a"])
    assert len(server.calls) == 3


async def test_a_hanging_server_costs_its_timeout_only(server: Server) -> None:
    server.pause_s = 5
    with pytest.raises(EncoderFailed, match="did not answer in time"):
        await embedded(server, ["a"], timeout_s=0.05, retries=0)


async def test_an_unreachable_server_is_named(server: Server) -> None:
    with pytest.raises(EncoderFailed, match="cannot be reached"):
        await embedded(server, ["a"], url="http://127.0.0.1:1/v1", retries=0)


ANSWERS = {
    "not JSON": b"<html>the secret text</html>",
    "no data": b'{"object": "list"}',
    "data of another kind": b'{"data": 7}',
    "too few": b'{"data": []}',
    "twice the same place": (
        b'{"data": [{"index": 0, "embedding": [1.0]}, {"index": 0, "embedding": [1.0]}]}'
    ),
    "ragged": b'{"data": [{"embedding": [1.0]}, {"embedding": [1.0, 2.0]}]}',
    "words": b'{"data": [{"embedding": ["a"]}, {"embedding": ["b"]}]}',
    "empty": b'{"data": [{"embedding": []}, {"embedding": []}]}',
    "nested": b'{"data": [{"embedding": [[1.0]]}, {"embedding": [[1.0]]}]}',
}


@pytest.mark.parametrize("kind", ANSWERS)
async def test_an_answer_of_another_form_is_refused(server: Server, kind: str) -> None:
    server.misbehave = lambda *_: web.Response(body=ANSWERS[kind])
    with pytest.raises(EncoderFailed, match="did not answer with 2 embeddings") as caught:
        await embedded(server, ["the secret text", "b"])
    assert "secret" not in str(caught.value)
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    ("answer", "error", "match"),
    [
        (lambda: web.Response(status=400, text="the secret text"), EncoderFailed, "answered 400"),
        (lambda: web.Response(status=401), EncoderMisconfigured, "refused the API key"),
        (
            lambda: web.Response(status=307, headers={"Location": "http://127.0.0.1:1/"}),
            EncoderFailed,
            "answered 307",
        ),
        (
            lambda: web.Response(body=b"x", headers={"Content-Encoding": "gzip"}),
            EncoderFailed,
            "compressed its answer",
        ),
    ],
)
async def test_other_answers_end_the_attempts(
    server: Server, answer: Any, error: type[EncoderError], match: str
) -> None:
    server.misbehave = lambda *_: answer()
    with pytest.raises(error, match=match) as caught:
        await embedded(server, ["the secret text"])
    assert "secret" not in str(caught.value)
    assert len(server.calls) == 1


async def test_an_answer_without_end_is_cut_off(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai, "_BYTES_BESIDE", 100)
    monkeypatch.setattr(openai, "MAX_DIMENSION", 10)
    server.misbehave = lambda *_: web.Response(body=b"[" * 100_000)
    with pytest.raises(EncoderFailed, match="too long"):
        await embedded(server, ["a"])


async def test_the_key_comes_from_environment_or_file_and_is_never_shown(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    await embedded(server, ["a"])
    monkeypatch.setenv("EMBEDDING_KEY", "key-one")
    await embedded(server, ["a"], api_key_env="EMBEDDING_KEY")
    (tmp_path / "key").write_text("key-two\n")
    await embedded(server, ["a"], api_key_file=tmp_path / "key")
    assert [headers.get("Authorization") for headers in server.headers] == [
        None, "Bearer key-one", "Bearer key-two",
    ]  # fmt: skip
    server.misbehave = lambda *_: web.Response(status=403)
    with pytest.raises(EncoderMisconfigured) as caught:
        await embedded(server, ["a"], api_key_env="EMBEDDING_KEY")
    assert "key-one" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "two\nlines", "h\u00e4"])
async def test_a_key_that_cannot_be_one_is_refused(
    server: Server, content: str, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text(content)
    with pytest.raises(EncoderMisconfigured, match="holds no API key"):
        await embedded(server, ["a"], api_key_file=tmp_path / "key")
    with pytest.raises(EncoderMisconfigured, match="holds no API key"):
        await embedded(server, ["a"], api_key_env="NO_SUCH_VARIABLE")
    with pytest.raises(EncoderMisconfigured, match="cannot be read"):
        await embedded(server, ["a"], api_key_file=tmp_path / "none")


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://1.1.1.1/v1", False),
        ("http://1.1.1.1/v1", True),  # external, but not over TLS
        ("https://1.1.1.1/v1", False),
        ("http://169.254.169.254/v1", True),
        ("http://[::ffff:1.1.1.1]/v1", False),
    ],
)
async def test_external_servers_are_not_reached(server: Server, url: str, allowed: bool) -> None:
    with pytest.raises(EncoderMisconfigured, match="address, which is not allowed") as refused:
        await embedded(server, ["a"], url=url, allow_external=allowed)
    assert "--allow-external" in refused.value.fix


def test_an_external_server_may_be_allowed_over_tls() -> None:
    settings = OpenAISettings(url="https://1.1.1.1/v1", model="m", allow_external=True)
    settings.policy.check("1.1.1.1")
    assert settings.endpoint == "https://1.1.1.1/v1/embeddings"


@pytest.mark.parametrize("url", ["ftp://h/v1", "http://u:p@h/v1", "http://h/v1?key=1", "h/v1"])
def test_urls_with_credentials_or_queries_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        OpenAISettings(url=url, model="m")


async def test_prompts_go_before_the_texts_by_role(server: Server) -> None:
    backend = OpenAIBackend(OpenAISettings(url=server.url, model="m"))
    space = envelope(dimension=WIDTH)
    encoder = Encoder("e", "openai", space, RolePrompts("query: ", "passage: "), backend)
    asked = await encoder.encode(["a b"], "query")
    stored = await encoder.encode(["a b"], "document")
    assert server.texts == ["query: a b", "passage: a b"]
    np.testing.assert_allclose(np.linalg.norm([*asked, *stored], axis=1), 1, rtol=1e-6)
    assert (await encoder.encode([], "query")).shape == (0, WIDTH)
    with pytest.raises(EncoderFailed, match="unusable vectors"):
        await Encoder("e", "openai", envelope(), RolePrompts(), backend).encode(["a"], "query")
    await encoder.close()
