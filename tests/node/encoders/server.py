"""An embeddings server on loopback that keeps what it was sent and can be told to misbehave."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from aiohttp import web

WIDTH = 24


def embed(text: str, width: int = WIDTH) -> list[float]:
    """Hashed words: texts that share words lie near each other; none for a text without letters."""
    vector = np.zeros(width)
    for word in text.lower().split():
        seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=4).digest(), "big")
        vector += np.random.default_rng(seed).normal(size=width)
    return [float(part) for part in vector]


Misbehaviour = Callable[[int, dict[str, Any]], web.StreamResponse | None]


@dataclass
class Server:
    """What has been asked so far; `misbehave(number of the call, body)` may answer instead."""

    url: str = ""
    calls: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    misbehave: Misbehaviour = lambda *_: None
    noise: float = 0.0
    pause_s: float = 0.0
    running: int = 0
    most_running: int = 0

    @property
    def texts(self) -> list[str]:
        return [text for call in self.calls for text in call["input"]]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.calls.append(body)
        self.headers.append(dict(request.headers))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await asyncio.sleep(self.pause_s)
        finally:
            self.running -= 1
        other = self.misbehave(len(self.calls), body)
        if other is not None:
            return other
        random = np.random.default_rng(0)
        rows = [np.array(embed(text)) for text in body["input"]]
        rows = [row + random.normal(size=WIDTH) * self.noise for row in rows]
        return web.json_response(
            {
                "object": "list",
                "data": [
                    {"object": "embedding", "index": at, "embedding": row.tolist()}
                    for at, row in reversed(list(enumerate(rows)))  # the order is the index's
                ],
            }
        )


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    """Serve on a port of the system's choice."""
    server = Server()
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/v1/embeddings", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield server
    finally:
        await runner.cleanup()
