"""One organisation's model behind an OpenAI-compatible `POST /v1/embeddings`, on loopback.

    python -m examples.three_organisations.embedding_server --recipe word --model word.safetensors

The rule of this file: it stands where a company's own model server stands, so a node uses the same
path as in production (`encoder add --kind openai`). It fits the recipe when the model's file does
not exist yet, writes the file, and prints one line of JSON with its address when it can answer.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import signal
from pathlib import Path
from typing import Any

from aiohttp import web

from examples.three_organisations.anchors import public_texts, training_texts
from examples.three_organisations.corpora import read_texts
from examples.three_organisations.model import Float32, Model, load, save

MODEL = web.AppKey("model", Model)
MOST_TEXTS = 2048
"""Texts in one request, as at the API that this one is compatible with."""
MOST_BYTES = 64 * 1024 * 1024


def application(model: Model) -> web.Application:
    """Build the HTTP application around a fitted model."""
    app = web.Application(client_max_size=MOST_BYTES)
    app[MODEL] = model
    app.router.add_post("/v1/embeddings", embeddings)
    app.router.add_get("/v1/models", models)
    return app


async def embeddings(request: web.Request) -> web.Response:
    """Answer `{"input": text or texts, "encoding_format": "float" or "base64"}`."""
    model = request.app[MODEL]
    try:
        asked = await request.json()
        texts = _texts(asked)
        form = _form(asked)
    except ValueError as refused:
        return _error(400, str(refused))
    if asked.get("model") not in (None, model.name):
        return _error(404, f"this server has the model {model.name!r} only")
    vectors = await asyncio.to_thread(model.encode, texts)
    words = sum(len(text.split()) for text in texts)
    return web.json_response(
        {
            "object": "list",
            "model": model.name,
            "data": [
                {"object": "embedding", "index": index, "embedding": _written(vector, form)}
                for index, vector in enumerate(vectors)
            ],
            "usage": {"prompt_tokens": words, "total_tokens": words},
        }
    )


async def models(request: web.Request) -> web.Response:
    """List the one model, with the digest of its weights as `revision`."""
    model = request.app[MODEL]
    entry = {
        "id": model.name,
        "object": "model",
        "created": 0,
        "owned_by": "three-organisations",
        "revision": model.revision,
        "dimension": model.dimension,
    }
    return web.json_response({"object": "list", "data": [entry]})


def _texts(asked: Any) -> list[str]:
    if not isinstance(asked, dict):
        raise ValueError("the body must be a JSON object")
    given = asked.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError("input must be a text or a list of texts")
    if not 1 <= len(texts) <= MOST_TEXTS:
        raise ValueError(f"input must hold 1 to {MOST_TEXTS} texts")
    return texts


def _form(asked: dict[str, Any]) -> str:
    form = asked.get("encoding_format", "float")
    if form not in ("float", "base64"):
        raise ValueError("encoding_format must be float or base64")
    return str(form)


def _written(vector: Float32, form: str) -> object:
    if form == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return [float(number) for number in vector]


def _error(status: int, message: str) -> web.Response:
    body = {"error": {"message": message, "type": "invalid_request_error", "code": None}}
    return web.json_response(body, status=status)


def fitted(recipe: str, path: Path, training: Path | None) -> Model:
    """Load the model from `path`, or fit it and write it there."""
    if path.exists():
        return load(path)
    from examples.three_organisations.recipes import fit  # scikit-learn only where it is needed

    texts = read_texts(training) if training else training_texts(public_texts())
    model = fit(recipe, texts)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    save(model, part)
    part.replace(path)
    return model


async def serve(model: Model, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    runner = web.AppRunner(application(model), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    await site.start()
    bound = runner.addresses[0][1]
    ready = {
        "url": f"http://{host}:{bound}/v1",
        "model": model.name,
        "revision": model.revision,
        "dimension": model.dimension,
    }
    print(json.dumps(ready), flush=True)
    await stop.wait()
    await runner.cleanup()


def parser() -> argparse.ArgumentParser:
    """The command line's options."""
    options = argparse.ArgumentParser(description="Serve one of the demo's models.")
    options.add_argument("--recipe", required=True, help="word, subword or cooccurrence")
    options.add_argument("--model", type=Path, required=True, help="file of the fitted model")
    options.add_argument("--training", type=Path, help="texts to fit on, one JSON object a line")
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=0, help="0 takes a free one")
    return options


def main() -> None:
    """Read the command line, fit or load, serve."""
    chosen = parser().parse_args()
    model = fitted(chosen.recipe, chosen.model, chosen.training)
    asyncio.run(serve(model, chosen.host, chosen.port))


if __name__ == "__main__":
    main()
