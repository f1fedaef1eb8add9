import base64
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from aiohttp import web

from examples.three_organisations.embedding_server import application
from examples.three_organisations.model import Model, save


@pytest.fixture
def model() -> Model:
    rng = np.random.default_rng(3)
    return Model(
        name="word",
        tokeniser="stems",
        vocabulary=("array", "sort"),
        token_vectors=rng.standard_normal((2, 6)).astype(np.float32),
        mean=np.zeros(6, np.float32),
        common=np.zeros((0, 6), np.float32),
    )


@pytest.fixture
async def url(model: Model) -> AsyncIterator[str]:
    runner = web.AppRunner(application(model))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    await runner.cleanup()


async def post(url: str, body: object) -> tuple[int, dict[str, object]]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/embeddings", json=body) as answer,
    ):
        return answer.status, await answer.json()


async def test_both_encodings_carry_the_model_s_vectors(url: str, model: Model) -> None:
    texts = ["sort an array", "arrays"]
    expected = model.encode(texts)
    for form in ("float", "base64"):
        body = {"input": texts, "model": "word", "encoding_format": form}
        status, answer = await post(url, body)
        assert status == 200
        data = answer["data"]
        assert isinstance(data, list)
        rows = [
            np.frombuffer(base64.b64decode(item["embedding"]), "<f4")
            if form == "base64"
            else np.array(item["embedding"], np.float32)
            for item in data
        ]
        np.testing.assert_array_equal(np.vstack(rows), expected)
        assert [item["index"] for item in data] == [0, 1]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"input": []}, 400),
        ({"input": 3}, 400),
        ({"input": ["a", 3]}, 400),
        ({"input": ["a"] * 2049}, 400),
        ({"input": "a", "encoding_format": "hex"}, 400),
        (["a"], 400),
        ({"input": "a", "model": "other"}, 404),
    ],
)
async def test_a_wrong_request_is_refused_with_a_reason(
    url: str, body: object, status: int
) -> None:
    got, answer = await post(url, body)
    assert got == status
    error = answer["error"]
    assert isinstance(error, dict)
    assert error["message"]


async def test_the_model_is_listed_with_the_digest_of_its_weights(url: str, model: Model) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/models") as answer:
        listed = await answer.json()
    assert listed["data"][0]["id"] == "word"
    assert listed["data"][0]["revision"] == model.revision


def test_the_process_says_its_address_and_ends_when_asked(model: Model, tmp_path: Path) -> None:
    save(model, tmp_path / "word.safetensors")
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "examples.three_organisations.embedding_server"),
            *("--recipe", "word", "--model", str(tmp_path / "word.safetensors")),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        ready = json.loads(server.stdout.readline())
        assert ready["url"].startswith("http://127.0.0.1:")
        assert (ready["model"], ready["dimension"]) == ("word", 6)
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=30) == 0
    finally:
        server.kill()
        server.wait()
        assert server.stdout is not None
        server.stdout.close()
