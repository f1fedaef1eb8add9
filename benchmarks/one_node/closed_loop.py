"""Prepared requests over keep-alive connections, closed loop: each client waits for its answer.

The rule of this file: while the clock runs nothing is done but writing bytes and reading answers,
so that whoever is asked, a node or something that people use instead, is asked by the same load.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvloop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


@dataclass(frozen=True)
class Answered:
    """Seconds over all, each request's seconds and answer (head and body).

    `own_cpu_s` is the processor time of this process within `seconds`, `asked_cpu_s` that of
    whoever is asked; None where nobody can tell.
    """

    seconds: float
    latencies: list[float]
    answers: list[bytes]
    own_cpu_s: float
    asked_cpu_s: float | None


def exchanged(host: str, port: int, wires: Sequence[bytes], clients: int, warm_up: int) -> Answered:
    """Send all `wires` by so many clients; the first `warm_up` are not counted."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(exchange(host, port, wires, clients, warm_up))


async def exchange(
    host: str,
    port: int,
    wires: Sequence[bytes],
    clients: int,
    warm_up: int,
    asked_cpu_s: Callable[[], float | None] = lambda: None,
) -> Answered:
    """The same, in a running event loop; `asked_cpu_s` tells what whoever is asked has used."""
    answers: list[bytes] = [b""] * len(wires)
    latencies = [0.0] * len(wires)
    connections = [await asyncio.open_connection(host, port, limit=1 << 24) for _ in range(clients)]

    async def client(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rest: Iterator[int]
    ) -> None:
        for number in rest:
            began = time.perf_counter()
            writer.write(wires[number])
            answers[number] = await _read(reader)
            latencies[number] = time.perf_counter() - began

    async def all_clients(numbers: range) -> None:
        rest = iter(numbers)
        await asyncio.gather(*(client(reader, writer, rest) for reader, writer in connections))

    await all_clients(range(warm_up))
    before = asked_cpu_s()
    began, cpu = time.perf_counter(), time.process_time()
    await all_clients(range(warm_up, len(wires)))
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    after = asked_cpu_s()
    for _, writer in connections:
        writer.close()
    used = None if before is None or after is None else after - before
    return Answered(seconds, latencies[warm_up:], answers[warm_up:], cpu, used)


async def _read(reader: asyncio.StreamReader) -> bytes:
    """Read one answer, head and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    return head + await reader.readexactly(int(fields(head)[b"content-length"]))


def fields(head: bytes) -> dict[bytes, bytes]:
    """Header fields of an answer, names in lower case."""
    pairs = (line.partition(b":") for line in head.split(b"\r\n")[1:] if line)
    return {name.lower(): value.strip() for name, _, value in pairs}
