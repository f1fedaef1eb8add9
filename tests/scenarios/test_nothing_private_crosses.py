"""All bytes between nodes, on a wire that records them: nothing private is there.

The same check is run on nodes that leak on purpose, one kind of leak at a time: a check that cannot
fail would prove nothing.
"""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from examples.three_organisations.recording import Recorder
from node.federation.replies import RawResponse
from node.federation.responder import Responder
from node.ingest.record import Record
from node.operations.registry import silent
from protocol.accept_query import RawRequest
from protocol.envelope import Envelope, Prompts
from tests.scenarios.leaked_vectors import bfloat16
from tests.scenarios.leaks import Private, find
from tests.scenarios.ports import free_port
from tests.scenarios.world import Organisation, World, grant, pair

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
        return self.so_far()

    def so_far(self) -> dict[str, bytes]:
        """What crossed so far: on disk before it was passed on."""
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
    await clinic.grant(grant("lab.example", rate=10_000))
    yield Watched(lab, clinic, recorders, folder, private)
    for recorder in recorders:
        recorder.close()


def private(held: Sequence[Record], rows: NDArray[np.float32], keys: Sequence[int]) -> Private:
    """What is held where these documents have these vectors and internal keys."""
    return Private(
        texts=tuple(one.text or "" for one in held),
        ids=tuple(one.id for one in held),
        keys=tuple(keys),
        vectors=rows,
    )


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
    return private(held, np.vstack([np.frombuffer(blob, "<f4") for blob in blobs]), keys)


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


Secret = Callable[[Private], bytes]


def vector_as(dtype: str, scale: float = 1.0, offset: float = 0.0) -> Secret:
    """A stored vector in a dtype of NumPy; integers are rounded after scale and offset."""

    def written(private: Private) -> bytes:
        row = private.vectors[3].astype(np.float64) * scale + offset
        whole = np.issubdtype(np.dtype(dtype), np.integer)
        return bytes((np.round(row) if whole else row).astype(dtype).tobytes())

    return written


def as_bfloat16(order: str) -> Secret:
    return lambda private: bfloat16(private.vectors[3]).astype(f"{order}u2").tobytes()


def as_text(form: str, scale: float = 1.0) -> Secret:
    """A stored vector as numbers in JSON."""
    return lambda p: ("[" + ",".join(form % (x * scale) for x in p.vectors[3]) + "]").encode()


def base64_at(offset: int, content: Secret) -> Secret:
    """Base64 of something behind `offset` other bytes: the three alignments."""
    return lambda private: base64.b64encode(b"\x01\x02"[:offset] + content(private))


def part_of(content: Secret, start: int = 32, stop: int = 64) -> Secret:
    """A few components out of the middle."""
    return lambda private: content(private)[start:stop]


FLOAT32 = vector_as("<f4")

# every dtype in which an encoder, an index or a wire format keeps vectors
DTYPES: dict[str, Secret] = {
    "float64": vector_as("<f8"),
    "big-endian float64": vector_as(">f8"),
    "float32": FLOAT32,
    "big-endian float32": vector_as(">f4"),
    "float16": vector_as("<f2"),
    "big-endian float16": vector_as(">f2"),
    "bfloat16": as_bfloat16("<"),
    "big-endian bfloat16": as_bfloat16(">"),
    "int8": vector_as("i1", 127),
    "int8 of another scale": vector_as("i1", 300),
    "uint8 around 128": vector_as("u1", 300, 128),
    "uint8 around another zero": vector_as("u1", 211, 117),
    "int16": vector_as("<i2", 32_767),
    "big-endian int16": vector_as(">i2", 32_767),
    "int16 in thousandths": vector_as("<i2", 1_000),
    "uint16 with an offset": vector_as("<u2", 20_000, 32_768),
}
SCALED: dict[str, Secret] = {
    "float32, doubled": vector_as("<f4", 2),
    "float32, a third of it": vector_as("<f4", 1 / 3),
    "float32, shifted": vector_as("<f4", 1, 0.75),
    "big-endian float64, a third of it": vector_as(">f8", 1 / 3),
    "float16, a third of it": vector_as("<f2", 1 / 3),
}
DIGITS: dict[str, Secret] = {
    "decimals": as_text("%.4f"),
    "decimals with two digits": as_text("%.2f"),
    "doubled decimals": as_text("%.3f", 2),
    "thousandths": as_text("%d", 1_000),
    "decimals with an exponent": as_text("%.3e"),
    "decimals in UTF-16": lambda p: as_text("%.2f")(p).decode().encode("utf-16-le"),
}
PARTS: dict[str, Secret] = {
    "two components as float32": part_of(FLOAT32, 32, 40),
    "two components as big-endian float32": part_of(vector_as(">f4"), 32, 40),
    "two components as float64": part_of(vector_as("<f8"), 32, 48),
    "four components as float16": part_of(vector_as("<f2"), 32, 40),
    "four components as bfloat16": part_of(as_bfloat16("<"), 32, 40),
    "a part as float32": part_of(FLOAT32),
}
ENCODED: dict[str, Secret] = {
    "float32 in hex": lambda p: FLOAT32(p).hex().encode(),
    "float32 in url-safe base64": lambda p: base64.urlsafe_b64encode(FLOAT32(p)),
    "float32 in base32": lambda p: base64.b32encode(FLOAT32(p)),
    "float32 in lower-case base32": lambda p: base64.b32encode(b"\x07" + FLOAT32(p)).lower(),
    "float32 in base64 in base64": base64_at(2, base64_at(1, FLOAT32)),
}
SENTENCES: dict[str, Secret] = {
    "itself": lambda p: p.texts[5].encode(),
    "half of it in JSON": lambda p: json.dumps(p.texts[5][:40]).encode(),
    "in base64": base64_at(1, lambda p: p.texts[5].encode()),
    "in base64 in base64": base64_at(2, base64_at(1, lambda p: p.texts[5].encode())),
    "in hex": lambda p: p.texts[5].encode().hex().encode(),
    "in base32": lambda p: base64.b32encode(p.texts[5].encode()),
    "in UTF-16": lambda p: p.texts[5].encode("utf-16-le"),
    "in big-endian UTF-16": lambda p: p.texts[5].encode("utf-16-be"),
    "in UTF-16 in base64": base64_at(1, lambda p: p.texts[5].encode("utf-16")),
    "in UTF-32": lambda p: p.texts[5].encode("utf-32-le"),
}
IDS: dict[str, Secret] = {
    "itself": lambda p: p.ids[7].encode(),
    "in base64": base64_at(0, lambda p: p.ids[7].encode()),
    "in UTF-16": lambda p: p.ids[7].encode("utf-16-le"),
}
KEYS: dict[str, Secret] = {
    "in digits": lambda p: str(p.keys[9]).encode(),
    "as bytes in base64": base64_at(2, lambda p: p.keys[9].to_bytes(8, "big")),
    "as little-endian bytes": lambda p: p.keys[9].to_bytes(8, "little"),
}

LEAKS: dict[str, tuple[str, dict[str, Secret]]] = {
    "a sentence": ("text", SENTENCES),
    "an external id": ("id", IDS),
    "an internal key": ("key", KEYS),
    "a score beside a hit": ("field", {"itself": lambda _: b'{"ref":"aaaaa","score":0.8125}'}),
    "a vector as any dtype": ("vector", DTYPES),
    "a vector, scaled": ("vector", SCALED),
    "a vector as digits": ("vector", DIGITS),
    "a part of a vector": ("vector", PARTS),
    "a vector, encoded": ("vector", ENCODED),
}


@pytest.mark.parametrize("group", LEAKS)
async def test_the_same_check_finds_each_kind_of_leak(watched: Watched, group: str) -> None:
    kind, secrets = LEAKS[group]
    honest = watched.clinic.node.responder
    rng = np.random.default_rng(13)
    found = {}
    for name, secret in secrets.items():
        leaky = Leaky(honest, secret(watched.private))
        watched.clinic.node.responder = leaky  # type: ignore[assignment]  # for the honest one
        before = watched.so_far()
        vector = rng.standard_normal(WIDTH)
        unit = (vector / np.linalg.norm(vector)).tolist()
        assert (await watched.lab.ask_one(vectors=[unit], encoder="wide")).state == "unverifiable"
        crossed = {
            stream: data[len(before.get(stream, b"")) :]
            for stream, data in watched.so_far().items()
        }
        found[name] = {leak.kind for leak in find(crossed, watched.private)}
    assert found == {name: {kind} for name in secrets}


@pytest.mark.parametrize("alignment", range(3))
def test_a_vector_of_any_dtype_is_found_in_base64_of_any_alignment(alignment: int) -> None:
    """Without a wire: what crossed is bytes to the check, wherever they come from."""
    documents = records()
    held = private(
        documents, np.vstack([one.vector for one in documents if one.vector is not None]), ()
    )
    found = {
        name: {leak.kind for leak in find({"x": base64_at(alignment, content)(held)}, held)}
        for name, content in (DTYPES | SCALED).items()
    }
    assert found == {name: {"vector"} for name in found}
