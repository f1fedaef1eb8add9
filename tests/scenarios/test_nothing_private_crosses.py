"""All bytes between nodes, on a wire that records them: nothing private is there.

The same check is run on nodes that leak on purpose, one kind of leak at a time: a check that cannot
fail would prove nothing.
"""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from examples.three_organisations.recording import Recorder
from node.federation.replies import RawResponse
from node.federation.responder import Responder
from node.ingest.record import Record
from node.operations.registry import silent
from protocol.accept_query import RawRequest
from protocol.envelope import Envelope, Prompts
from tests.scenarios.leaks import Private, find
from tests.scenarios.world import Organisation, World, free_port, grant, pair

WIDTH = 64
DOCUMENTS = 40
FIRST_KEY = 7_305_882_190_000
"""Internal keys begin here, so that one can be told from any other number."""


@dataclass
class Watched:
    """A lab that asks, a clinic that answers, and the bytes between them."""

    lab: Organisation
    clinic: Organisation
    recorders: list[Recorder]
    folder: Path
    private: Private

    def crossed(self) -> dict[str, bytes]:
        """Everything that crossed so far; ends the recording."""
        for recorder in self.recorders:
            recorder.close()
        return {path.name: path.read_bytes() for path in sorted(self.folder.iterdir())}


def envelope() -> Envelope:
    return Envelope(
        provider="tests",
        model="wide",
        revision="1",
        dimension=WIDTH,
        pooling="none",
        normalisation="l2",
        similarity="cosine",
        prompts=Prompts.of(),
    )


def records() -> list[Record]:
    rng = np.random.default_rng(11)
    rows = rng.standard_normal((DOCUMENTS, WIDTH)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return [
        Record(
            id=f"ward.seven.patient-{place:03}",
            where=f"line {place}",
            text=f"Patient {place} was admitted with a fever, and left the ward on day {place}.",
            vector=row,
            labels=frozenset({"open"}),
        )
        for place, row in enumerate(rows)
    ]


@pytest.fixture
async def watched(world: World, tmp_path: Path) -> AsyncIterator[Watched]:
    folder = tmp_path / "crossed"
    organisations, recorders = [], []
    for name in ("lab.example", "clinic.example"):
        public = free_port()
        made = await world.organisation(name, url=f"http://127.0.0.1:{public}")
        recorders.append(Recorder(name, public, made.node.settings.federation.port, folder))
        made.node.encoders.add("wide", "caller", {}, envelope())
        organisations.append(made)
    lab, clinic = organisations
    private = await stored(clinic)
    await pair(lab, clinic)
    await clinic.grant(grant("lab.example"))
    yield Watched(lab, clinic, recorders, folder, private)
    for recorder in recorders:
        recorder.close()


async def stored(clinic: Organisation) -> Private:
    """Give the clinic its documents, and say what it holds then."""
    with closing(sqlite3.connect(clinic.node.data.path / "store.db")) as database:
        database.execute(
            "INSERT INTO sqlite_sequence (name, seq) VALUES ('documents', ?)", (FIRST_KEY,)
        )
        database.commit()
    held = records()
    collection = await clinic.node.collections.create("docs", "wide", title="Documents")
    await collection.ingest(held, len(held), silent)
    with closing(sqlite3.connect(clinic.node.data.path / "store.db")) as database:
        keys = [key for (key,) in database.execute("SELECT key FROM documents")]
        blobs = [blob for (blob,) in database.execute("SELECT vector FROM chunks")]
    assert min(keys) > FIRST_KEY
    return Private(
        texts=tuple(one.text or "" for one in held),
        ids=tuple(one.id for one in held),
        keys=tuple(keys),
        vectors=np.vstack([np.frombuffer(blob, "<f4") for blob in blobs]),
    )


async def converse(watched: Watched) -> list[str]:
    """Ask all that can be asked; returns the states of the answers."""
    rng = np.random.default_rng(12)
    states = []
    for granularity in (None, "bins", "ranks", "count", "boolean"):
        vector = rng.standard_normal(WIDTH)
        unit = (vector / np.linalg.norm(vector)).tolist()
        status = await watched.lab.ask_one(
            vectors=[unit], encoder="wide", granularity=granularity, k=10
        )
        states.append(status.state)
    denied = await watched.lab.ask_one(
        vectors=[unit], encoder="wide", purpose="marketing", collections=("clinic.example/docs",)
    )
    return [*states, denied.state]


async def test_questions_answers_and_refusals_hold_nothing_private(watched: Watched) -> None:
    assert await converse(watched) == ["ok"] * 5 + ["denied"]
    crossed = watched.crossed()
    assert sum(map(len, crossed.values())) > 10_000
    assert b'"ref"' in b"".join(crossed.values())
    assert find(crossed, watched.private) == []


class Leaky:
    """A responder that adds something private to each answer."""

    def __init__(self, honest: Responder, secret: bytes) -> None:
        self._honest, self._secret = honest, secret

    async def answer(self, raw: RawRequest, remote: str) -> RawResponse:
        response = await self._honest.answer(raw, remote)
        return replace(response, body=response.body + self._secret)


def vector_as(dtype: str, scale: float = 1.0) -> Callable[[Private], bytes]:
    def written(private: Private) -> bytes:
        row = private.vectors[3].astype(np.float64) * scale
        return bytes((np.round(row) if dtype == "i1" else row).astype(dtype).tobytes())

    return written


def base64_at(offset: int, content: Callable[[Private], bytes]) -> Callable[[Private], bytes]:
    """Base64 of something behind `offset` other bytes: the three alignments."""
    return lambda private: base64.b64encode(b"\x01\x02"[:offset] + content(private))


def part_of(content: Callable[[Private], bytes]) -> Callable[[Private], bytes]:
    """A few components out of the middle."""
    return lambda private: content(private)[32:64]


FLOAT32, FLOAT16 = vector_as("<f4"), vector_as("<f2")
INT8 = vector_as("i1", 127)

LEAKS: dict[str, tuple[str, Callable[[Private], bytes]]] = {
    "a sentence": ("text", lambda p: p.texts[5].encode()),
    "half a sentence in JSON": ("text", lambda p: json.dumps(p.texts[5][:40]).encode()),
    "a sentence in base64": ("text", base64_at(1, lambda p: p.texts[5].encode())),
    "a sentence in base64 in base64": (
        "text",
        base64_at(2, base64_at(1, lambda p: p.texts[5].encode())),
    ),
    "a sentence in hex": ("text", lambda p: p.texts[5].encode().hex().encode()),
    "an external id": ("id", lambda p: p.ids[7].encode()),
    "an external id in base64": ("id", base64_at(0, lambda p: p.ids[7].encode())),
    "an internal key": ("key", lambda p: str(p.keys[9]).encode()),
    "an internal key as bytes": ("key", base64_at(2, lambda p: p.keys[9].to_bytes(8, "big"))),
    "an internal key in little-endian": ("key", lambda p: p.keys[9].to_bytes(8, "little")),
    "a vector as float32": ("vector", FLOAT32),
    "a part of a vector": ("vector", part_of(FLOAT32)),
    "a vector as big-endian float32": ("vector", vector_as(">f4")),
    "a vector as float16": ("vector", FLOAT16),
    "a vector as int8": ("vector", INT8),
    "a vector as float32 in hex": ("vector", lambda p: FLOAT32(p).hex().encode()),
    "a vector as float32 in url-safe base64": (
        "vector",
        lambda p: base64.urlsafe_b64encode(FLOAT32(p)),
    ),
    "a vector as decimals": (
        "vector",
        lambda p: json.dumps([round(float(x), 4) for x in p.vectors[3]]).encode(),
    ),
    "a score beside a hit": ("field", lambda _: b'{"ref":"aaaaa","score":0.8125}'),
    **{
        f"a vector as {name} in base64, alignment {offset}": ("vector", base64_at(offset, content))
        for name, content in (("float32", FLOAT32), ("float16", FLOAT16), ("int8", INT8))
        for offset in range(3)
    },
}


@pytest.mark.parametrize("name", LEAKS)
async def test_the_same_check_finds_each_kind_of_leak(watched: Watched, name: str) -> None:
    kind, secret = LEAKS[name]
    leaky = Leaky(watched.clinic.node.responder, secret(watched.private))
    watched.clinic.node.responder = leaky  # type: ignore[assignment]  # stands in for the honest one
    unit = (np.ones(WIDTH) / np.sqrt(WIDTH)).tolist()
    status = await watched.lab.ask_one(vectors=[unit], encoder="wide")
    assert status.state == "unverifiable"
    assert {leak.kind for leak in find(watched.crossed(), watched.private)} == {kind}
