"""The load: a process of its own that asks the node over keep-alive connections, closed loop.

The rule of this file: while the clock runs it does nothing but write prepared bytes and read
answers. Requests are signed ahead by the lab's key, each with its own id, salt and nonce; answers
are verified afterwards, on a sample, as an asker verifies them.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np
import uvloop

from benchmarks.one_node.closed_loop import exchange, fields
from benchmarks.one_node.founding import CLINIC, COLLECTION, LAB, PURPOSE, Route
from benchmarks.one_node.serving import cpu_seconds
from keys.keyfile import read_key
from node.data_directory import DataDirectory
from node.federation.peers import PeerBook
from protocol.accept_answer import RawAnswer, accept_answer
from protocol.answer_content import AcceptedAnswer, AnsweringPeer
from protocol.leaf import new_salt
from protocol.messages import Answer, Query
from protocol.profile import QUERY
from protocol.root import authority_of
from protocol.sign import SignedRequest, sign_request
from protocol.vectors import encode

if TYPE_CHECKING:
    from benchmarks.one_node.synthetic import Floats
    from keys.signer import Signer

WARM_UP = 20
"""Requests that are sent before the clock runs, but at most as many as are counted."""


@dataclass(frozen=True)
class Job:
    """One run: `questions` (n, d) in the lab's own space, asked by so many clients at once.

    `verified` answers, spread over the run, are checked. A request carries `batch` questions; what
    is left over is not asked. `pid` is the node's process.
    """

    folder: Path
    route: Route
    questions: Floats
    clients: int
    k: int
    verified: int
    batch: int = 1
    pid: int | None = None

    @property
    def requests(self) -> int:
        """How many are sent while the clock runs."""
        return len(self.questions) // self.batch


@dataclass(frozen=True)
class Outcome:
    """What came of it: seconds over all, each request's seconds, and the sample.

    `references` holds the answer to each question of the sampled requests by its row, as the clinic
    names documents to the lab. `own_cpu_s` and `node_cpu_s` are the processor time of this process
    and of the node's within `seconds`; the latter None where the system does not tell.
    """

    seconds: float
    latencies: list[float]
    references: dict[int, list[str]]
    refused: int
    own_cpu_s: float
    node_cpu_s: float | None


def run(job: Job) -> Outcome:
    """Run a job in this process."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(job))


@dataclass(frozen=True)
class Asked:
    """A question and its signed request."""

    query: Query
    request: SignedRequest

    @property
    def wire(self) -> bytes:
        """The request as it goes over the connection."""
        request = self.request
        fields = [
            ("Host", request.authority),
            *request.headers,
            ("Content-Length", str(len(request.body))),
        ]
        lines = [f"{request.method} {request.path} HTTP/1.1", *(f"{n}: {v}" for n, v in fields)]
        return "\r\n".join([*lines, "", ""]).encode() + request.body


async def _run(job: Job) -> Outcome:
    lab = DataDirectory(job.folder / LAB)
    peer = PeerBook.open(lab.peers).get(CLINIC)
    signer = read_key(lab.key_file("sign"), None)
    url = urlsplit(peer.url)
    warm_up = min(WARM_UP, job.requests)
    asked = [
        ask(job, number, signer, authority_of(peer.url))
        for numbers in (range(warm_up), range(job.requests))
        for number in numbers
    ]
    wires = [one.wire for one in asked]
    used = partial(cpu_seconds, job.pid) if job.pid is not None else lambda: None
    host, port = url.hostname or "", url.port or 80
    done = await exchange(host, port, wires, job.clients, warm_up, used)
    card = peer.card
    clinic = AnsweringPeer(peer.root.ring, card.log_origin, peer.root.log_terms)
    asked, answers = asked[warm_up:], done.answers
    sampled = np.linspace(0, len(asked) - 1, min(job.verified, len(asked))).astype(int)
    return Outcome(
        done.seconds,
        done.latencies,
        {
            int(number) * job.batch + place: references
            for number in np.unique(sampled)
            for place, references in enumerate(_verified(asked[number], answers[number], clinic))
        },
        sum(not raw.startswith(b"HTTP/1.1 200") for raw in answers),
        done.own_cpu_s,
        done.asked_cpu_s,
    )


def ask(job: Job, number: int, signer: Signer, authority: str) -> Asked:
    """Sign the job's request of this number."""
    plan = job.route.plan
    own = job.questions[number * job.batch : (number + 1) * job.batch]
    query = Query(
        id=new_salt(),
        salt=new_salt(),
        collection=COLLECTION,
        purpose=PURPOSE,
        k=job.k,
        actor="benchmark",
        space=plan.envelope.space_id,
        envelope=plan.envelope,
        route=plan.route,
        vectors=encode(own if plan.in_map is None else plan.in_map.apply(own)),
    )
    body, nonce, at = query.encode(), secrets.token_bytes(16), int(time.time())
    return Asked(query, sign_request(QUERY, authority, LAB, CLINIC, body, signer, at, nonce))


def _verified(asked: Asked, raw: bytes, clinic: AnsweringPeer) -> list[list[str]]:
    """Check an answer with its receipt as an asker does; return its references by question."""
    head, _, body = raw.partition(b"\r\n\r\n")
    answer = RawAnswer(int(head.split(b" ", 2)[1]), tuple(fields(head).items()), body)
    accepted = accept_answer(asked.request, asked.query, answer, clinic, int(time.time()))
    if not isinstance(accepted, AcceptedAnswer) or not isinstance(accepted.payload, Answer):
        raise ValueError(f"the node refused: {body[:300]!r}")
    found = []
    for hits in accepted.payload.results:
        if not isinstance(hits, tuple):
            raise TypeError("the grant shows lists")
        found.append([hit.ref for hit in hits])
    return found
