"""What front processes would take off the one core, and what handing over costs, in processor time.

    python -m benchmarks.front_processes --questions 4000 --fronts 1 2

The rule of this file: the work that could move is done by the functions that do it in a node (the
plain request read, accepted with its signature, the answer signed and written); it is handed over a
Unix socket to a process that stands for the core: it reads what a core needs to go on and sends as
many bytes back as an answer has. Nothing is searched or logged, so the figures are the most that
such processes could gain. The lines also say what the same work costs in one process, without them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import pickle
import secrets
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import uvloop

from keys.ring import KeyRecord, KeyRing
from keys.signer import SeedSigner
from node.federation.replies import RawResponse
from node.listeners.whole_request import read_whole, write_answer
from protocol.accept_query import AcceptedRequest, ReceiverContext, accept
from protocol.answer_body import write_body
from protocol.envelope import Envelope, Prompts
from protocol.leaf import new_salt
from protocol.messages import ANSWER_TYPE, Query
from protocol.profile import QUERY
from protocol.sign import sign_answer, sign_request
from protocol.vectors import encode

ASKER, OWNER, HOST = "lab.example", "clinic.example", "127.0.0.1:1"
WIDTH = 384
PAYLOAD, LEAF, PROOF = 1_100, 1_700, 900
"""Bytes of the parts of an answer about ten records, about."""

AT_ONCE = 16
_SEED = bytes(range(32))


def requests(count: int) -> list[bytes]:
    """Return signed questions as they come over a connection."""
    signer = SeedSigner.from_seed(_SEED)
    space = Envelope(
        provider="benchmarks", model="synthetic", revision="1", dimension=WIDTH,
        pooling="none", normalisation="l2", similarity="cosine", prompts=Prompts.of(),
    )  # fmt: skip
    rows = np.random.default_rng(1).standard_normal((count, WIDTH), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    made = []
    for row in rows:
        query = Query(
            id=new_salt(), salt=new_salt(), collection="records", purpose="research", k=10,
            actor="benchmark", space=space.space_id, envelope=space, vectors=encode(row[None]),
        )  # fmt: skip
        nonce, at = secrets.token_bytes(16), int(time.time())
        signed = sign_request(QUERY, HOST, ASKER, OWNER, query.encode(), signer, at, nonce)
        fields = [("Host", HOST), *signed.headers, ("Content-Length", str(len(signed.body)))]
        lines = [f"POST {signed.path} HTTP/1.1", *(f"{n}: {v}" for n, v in fields), "", ""]
        made.append("\r\n".join(lines).encode() + signed.body)
    return made


def receiver() -> ReceiverContext:
    """Return who receives, with the asker's key."""
    key = SeedSigner.from_seed(_SEED).public
    ring = KeyRing([KeyRecord.of(key, "sign", 0, 2**40)])
    return ReceiverContext(OWNER, frozenset({HOST}), lambda _: ring)


def accepted(wire: bytes, context: ReceiverContext) -> AcceptedRequest:
    """What moves, first half: from the connection's bytes to an authenticated request."""
    raw = read_whole(wire)
    if raw is None:
        raise ValueError("the request is not plain")
    return accept(raw, context, int(time.time()))


def answered(binding: Any, body: bytes, signer: SeedSigner) -> bytes:
    """What moves, second half: from the answer's body to the connection's bytes."""
    at = int(time.time())
    headers = sign_answer(binding, 200, ANSWER_TYPE, body, signer, at)
    return write_answer(RawResponse(200, tuple(headers), body), at)


def answer_body() -> bytes:
    """Return a body as large as an answer's."""
    return write_body(b"p" * PAYLOAD, b"l" * LEAF, b"q" * PROOF)


def alone(wires: list[bytes]) -> float:
    """Return the processor microseconds a question of what could move, in one process."""
    context, signer, body = receiver(), SeedSigner.from_seed(_SEED), answer_body()
    began = time.process_time()
    for wire in wires:
        answered(accepted(wire, context).binding, body, signer)
    return (time.process_time() - began) / len(wires) * 1e6


async def _front(path: str, wires: list[bytes]) -> float:
    context, signer = receiver(), SeedSigner.from_seed(_SEED)
    rest = iter(wires)

    async def worker() -> None:
        reader, writer = await asyncio.open_unix_connection(path, limit=1 << 20)
        for wire in rest:
            request = accepted(wire, context)
            data = pickle.dumps(request, protocol=5)
            writer.write(len(data).to_bytes(4) + data)
            size = int.from_bytes(await reader.readexactly(4))
            answered(request.binding, await reader.readexactly(size), signer)
        writer.close()

    began = time.process_time()
    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    return time.process_time() - began


def front(path: str, count: int) -> float:
    """Run one front process's share; return its processor seconds."""
    wires = requests(count)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_front(path, wires))


async def _core(path: str, fronts: int, each: int) -> tuple[float, list[float]]:
    body = answer_body()
    sent = len(body).to_bytes(4) + body

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while size := await reader.read(4):
            data = await reader.readexactly(int.from_bytes(size))
            # its own processes wrote it: pickle is what costs least, and no stranger's bytes
            pickle.loads(data)  # noqa: S301 - as said above
            writer.write(sent)
        writer.close()

    server = await asyncio.start_unix_server(serve, path, limit=1 << 20)
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(fronts, mp_context=get_context("spawn")) as pool:
        began = time.process_time()
        shares = [loop.run_in_executor(pool, front, path, each) for _ in range(fronts)]
        used = list(await asyncio.gather(*shares))
        spent = time.process_time() - began
    server.close()
    return spent, used


def measured(questions: int, fronts: int) -> dict[str, float]:
    """Return the processor microseconds a question of the core, and of the fronts together."""
    each = questions // fronts
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "core.sock")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            core, used = runner.run(_core(path, fronts, each))
    asked = each * fronts
    return {"fronts": fronts, "core_us": core / asked * 1e6, "fronts_us": sum(used) / asked * 1e6}


def main() -> None:
    """Measure, and print one line of JSON for each number of front processes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--questions", type=int, default=4_000)
    parser.add_argument("--fronts", type=int, nargs="+", default=[1, 2])
    given = parser.parse_args()
    wires = requests(given.questions)
    alone(wires[:200])
    for fronts in given.fronts:
        print(json.dumps({"one_process_us": alone(wires), **measured(given.questions, fronts)}))


if __name__ == "__main__":
    main()
