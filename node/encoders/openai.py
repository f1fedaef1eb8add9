"""Encoding through any server that offers the OpenAI embeddings call, `POST <url>/embeddings`.

The texts of documents go to that server. So it is only reached on loopback and in private ranges,
checked where the connection is made, unless the operator allows an external one, which is logged
and needs TLS. Redirects are not followed; no text, vector or key reaches an error or a log line.
"""

import asyncio
import os
import random
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import aiohttp
import numpy as np
import orjson
import structlog
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from node.addresses import AddressPolicy, Reach, connector, refusal
from node.encoders.encoder import FloatArray
from node.encoders.errors import EncoderFailed, EncoderMisconfigured
from node.encoders.token_estimate import estimate_tokens
from protocol.limits import MAX_DIMENSION

_BYTES_PER_COMPONENT = 32  # "-1.2345678901234567e-05, " and some spaces
_BYTES_BESIDE = 64 * 1024  # everything in an answer that is not a component
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 20.0

_log = structlog.get_logger(__name__)


class OpenAISettings(BaseModel):
    """How to reach an embeddings server.

    `url`: base URL up to and including `/v1`. `model`: name sent with each request. `dimensions`:
    sent where the server shall shorten its vectors. `api_key_env`, `api_key_file`: where a bearer
    token is read from; the token itself is never stored. `ca_file`: PEM authorities for TLS.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$")]
    model: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    dimensions: Annotated[int, Field(ge=1, le=MAX_DIMENSION)] | None = None
    api_key_env: str | None = None
    api_key_file: Path | None = None
    ca_file: Path | None = None
    batch: Annotated[int, Field(ge=1, le=2048)] = 64
    concurrency: Annotated[int, Field(ge=1, le=64)] = 2
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 60.0
    retries: Annotated[int, Field(ge=0, le=10)] = 4
    allow_external: bool = False

    @property
    def endpoint(self) -> str:
        """The URL that is posted to."""
        base = self.url.rstrip("/")
        return base if base.endswith("/embeddings") else f"{base}/embeddings"

    @property
    def policy(self) -> AddressPolicy:
        """Where its connections may go."""
        allowed: set[Reach] = {"loopback", "private"}
        if self.allow_external and self.url.startswith("https://"):
            allowed.add("public")
        return AddressPolicy(
            frozenset(allowed),
            "use an embeddings server of your own, or add the encoder with an https:// URL and"
            " --allow-external; the texts of your documents then leave for that server",
        )


class OpenAIBackend:
    """Talks to one server; opened at first use, in the event loop that uses it."""

    def __init__(self, settings: OpenAISettings) -> None:
        """Nothing is connected yet."""
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None
        self._slots = asyncio.Semaphore(settings.concurrency)

    async def embed(self, texts: Sequence[str]) -> FloatArray:
        """Turn n texts into (n, d) float32, in batches, each retried within bounds.

        Raises EncoderFailed, EncoderMisconfigured.
        """
        size = self._settings.batch
        batches = [texts[first : first + size] for first in range(0, len(texts), size)]
        tasks = [asyncio.create_task(self._attempts(batch)) for batch in batches]
        try:
            parts = await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise
        if len({part.shape[1] for part in parts}) != 1:
            raise EncoderFailed(
                "the embeddings server changed the width of its vectors meanwhile",
                fix=(
                    "Let one server answer with one model, and set --dimensions where it can be "
                    "chosen."
                ),
            )
        return np.concatenate(parts)

    def count_tokens(self, text: str) -> int:
        """Estimate on the safe side: the call has no tokenizer."""
        return estimate_tokens(text)

    async def described(self) -> dict[str, Any]:
        """Tell nothing: the call says nothing about the model behind it."""
        return {}

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _attempts(self, texts: Sequence[str]) -> FloatArray:
        pause = _FIRST_PAUSE_S
        for left in range(self._settings.retries, -1, -1):
            async with self._slots:
                try:
                    return await self._post(texts)
                except _Again as again:
                    if not left:
                        raise EncoderFailed(
                            f"the embeddings server {again.why} and did so "
                            f"{self._settings.retries + 1} times",
                            fix="Check that it runs and can keep up (--batch, --timeout).",
                        ) from None
                    wait = max(pause, again.after) * random.uniform(1, 1.5)  # noqa: S311 - spreads retries, protects nothing
            await asyncio.sleep(min(wait, _LONGEST_PAUSE_S))
            pause *= 2
        raise AssertionError("the last attempt returns or raises")

    async def _post(self, texts: Sequence[str]) -> FloatArray:
        body: dict[str, Any] = {
            "model": self._settings.model,
            "input": list(texts),
            "encoding_format": "float",
        }
        if self._settings.dimensions is not None:
            body["dimensions"] = self._settings.dimensions
        try:
            async with self._opened().post(
                self._settings.endpoint,
                data=orjson.dumps(body),
                headers={"Content-Type": "application/json"},
                allow_redirects=False,
            ) as reply:
                _check_status(reply)
                raw = await _read(reply, len(texts) * MAX_DIMENSION * _BYTES_PER_COMPONENT)
        except TimeoutError:
            raise _Again("did not answer in time") from None
        except aiohttp.ClientError as error:
            refused = refusal(error)
            if refused is not None:
                cause, _, fix = refused.partition(": ")
                raise EncoderMisconfigured(
                    f"the embeddings server was not reached: {cause}",
                    fix=fix,
                ) from None
            raise _Again(f"cannot be reached ({type(error).__name__})") from None
        return _vectors(raw, len(texts))

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            settings = self._settings
            if settings.allow_external:
                host = urlsplit(settings.url).hostname
                _log.warning("encoder.external_allowed", host=host, model=settings.model)
            context: ssl.SSLContext | Literal[True] = True
            if settings.ca_file is not None:
                context = ssl.create_default_context(cafile=settings.ca_file)
            key = _api_key(settings)
            self._session = aiohttp.ClientSession(
                connector=connector(settings.policy, ssl=context),
                timeout=aiohttp.ClientTimeout(total=settings.timeout_s),
                headers={"Authorization": f"Bearer {key}"} if key else {},
                auto_decompress=False,
                skip_auto_headers=("Accept-Encoding",),
            )
        return self._session


class _Again(Exception):
    """This attempt failed and the next may succeed; `after` seconds from now at the earliest."""

    def __init__(self, why: str, after: float = 0.0) -> None:
        super().__init__(why)
        self.why = why
        self.after = after


def _api_key(settings: OpenAISettings) -> str | None:
    if settings.api_key_env is not None:
        key = os.environ.get(settings.api_key_env, "")
        where = f"environment variable {settings.api_key_env}"
    elif settings.api_key_file is not None:
        try:
            key = settings.api_key_file.read_text("utf-8").strip()
        except OSError as error:
            raise EncoderMisconfigured(
                f"the API key file {settings.api_key_file} cannot be read ({error.strerror})",
                fix="Check --api-key-file, and that the node's user may read the file.",
            ) from None
        where = str(settings.api_key_file)
    else:
        return None
    if not key or not key.isascii() or not key.isprintable():
        raise EncoderMisconfigured(
            f"{where} holds no API key",
            fix="Set it, in one line.",
        )
    return key


def _check_status(reply: aiohttp.ClientResponse) -> None:
    if reply.status in _RETRIED:
        after = reply.headers.get("Retry-After", "")
        raise _Again(f"answered {reply.status}", float(after) if after.isdecimal() else 0.0)
    if reply.status in (401, 403):
        raise EncoderMisconfigured(
            f"the embeddings server refused the API key ({reply.status})",
            fix=(
                "Name the variable that holds the right key with --api-key-env, or its file with "
                "--api-key-file."
            ),
        )
    if reply.status != 200:
        raise EncoderFailed(
            f"the embeddings server answered {reply.status}",
            fix=(
                "Check the URL (up to /v1), the model name and whether texts are too long for it "
                "(--max-tokens)."
            ),
        )
    if reply.headers.get("Content-Encoding", "identity") != "identity":
        raise EncoderFailed(
            "the embeddings server compressed its answer without being asked",
            fix="Turn compression off at that server, or at the proxy before it.",
        )


async def _read(reply: aiohttp.ClientResponse, most: int) -> bytes:
    most += _BYTES_BESIDE
    parts: list[bytes] = []
    async for part in reply.content.iter_any():
        most -= len(part)
        if most < 0:
            raise EncoderFailed(
                "the embeddings server's answer is too long to be embeddings",
                fix="Check that the URL is an OpenAI-compatible embeddings call, up to /v1.",
            )
        parts.append(part)
    return b"".join(parts)


def _vectors(raw: bytes, count: int) -> FloatArray:
    """Return (count, d) float32 from `{"data": [{"index": 0, "embedding": [...]}, ...]}`."""
    try:
        items = orjson.loads(raw)["data"]
        places = [item.get("index", at) for at, item in enumerate(items)]
        if sorted(places) != list(range(count)):
            raise ValueError
        rows = [None] * count
        for place, item in zip(places, items, strict=True):
            rows[place] = item["embedding"]
        with np.errstate(over="ignore"):  # infinities are refused with all other bad values
            vectors = np.array(rows, dtype=np.float32)
        if vectors.ndim != 2 or not 1 <= vectors.shape[1] <= MAX_DIMENSION:
            raise ValueError
    except (ValueError, TypeError, KeyError, AttributeError):
        raise EncoderFailed(
            f"the embeddings server did not answer with {count} embeddings of one width",
            fix="Check that the URL is an OpenAI-compatible embeddings call, up to /v1.",
        ) from None
    return vectors
