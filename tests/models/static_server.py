"""A static model behind the OpenAI embeddings call, as a company would run it beside its node."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web


@asynccontextmanager
async def serving(model: Any) -> AsyncIterator[str]:
    """Serve a model2vec model on a free port of loopback; yields the base URL."""

    async def embeddings(request: web.Request) -> web.Response:
        texts = (await request.json())["input"]
        rows = await asyncio.to_thread(model.encode, texts)
        data = [
            {"object": "embedding", "index": at, "embedding": row.tolist()}
            for at, row in enumerate(rows)
        ]
        return web.json_response({"object": "list", "data": data})

    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/v1/embeddings", embeddings)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()
