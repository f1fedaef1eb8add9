"""The clinic under attack, and the partner's way of asking it.

The rule of this file: the partner gets what a partner gets. Every question is a signed request of
bytes, answered by the clinic's own responder with its log, budgets, references and index; only the
sockets are left out, and the partner does not verify the receipts. `truth` is the clinic's own
knowledge; it scores the attack and never takes part in it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from benchmarks.one_node.founding import (
    CLINIC,
    COLLECTION,
    PURPOSE,
    create,
    envelope,
    opened,
    trust,
)
from node.clock import system_clock
from node.federation import record_limits
from node.ingest.record import Record
from node.operations.catalogue import find
from node.operations.policy import GrantFiles
from node.operations.registry import silent
from protocol.accept_query import RawRequest
from protocol.answer_body import split_body
from protocol.leaf import new_salt
from protocol.limits import MAX_BATCH
from protocol.messages import Answer, Query
from protocol.profile import QUERY
from protocol.sign import sign_request
from protocol.vectors import encode

if TYPE_CHECKING:
    from node.node import Node
    from node.policy.grants import Granularity

Floats = NDArray[np.float64]
Shown = tuple[tuple[str, int | None], ...]
"""References with their bins, best first."""

UNLIMITED = {
    "rate": 1_000_000,
    "queries_per_day": 100_000_000,
    "near_duplicates_per_day": 4096,
    "floor": -1.0,
}
"""What every grant here says unless it says otherwise: no control but those that are named."""


TOO_NEAR = "budget-exhausted (near-duplicates)"
DIVIDED = ("busy", "budget-exhausted", TOO_NEAR)
"""Refusals after which a smaller batch may be answered."""


class Refused(Exception):
    """The clinic answered nothing; the message is its code and rule."""


@dataclass
class Partner:
    """One partner with a fresh grant: it asks, and counts the vectors it has asked."""

    name: str
    grant: dict[str, Any]
    silo: Silo
    spent: int = 0
    turned_away: int = 0
    stopped: str | None = None

    async def ask(self, vectors: Floats, granularity: Granularity, k: int = 0) -> list[Any]:
        """Ask n questions (n, d) and return what is shown for each; fewer once refused for good.

        `k` is by default all that the grant allows. A `Shown` for each vector, or count or boolean;
        None for one that was refused because it lies too near to others, which counts as asked.
        After any other refusal the partner asks no more, and `stopped` says why.
        """
        shown: list[Any] = []
        for start in range(0, len(vectors), MAX_BATCH):
            if self.stopped is not None:
                break
            shown += await self._ask(vectors[start : start + MAX_BATCH], granularity, k)
        return shown

    async def _ask(self, batch: Floats, granularity: Granularity, k: int) -> list[Any]:
        """Ask one batch; where not so many are let through at once, half of it and so on."""
        try:
            shown = await self.silo.answer(self, batch, granularity, k)
        except Refused as refused:
            if str(refused) in DIVIDED and len(batch) > 1:
                half = len(batch) // 2
                shown = await self._ask(batch[:half], granularity, k)
                return shown + await self.ask(batch[half:], granularity, k)
            if str(refused) == TOO_NEAR:
                self.spent += 1
                self.turned_away += 1
                return [None]
            self.stopped = str(refused)
            return []
        self.spent += len(batch)
        return shown


@dataclass
class Silo:
    """The clinic and its collection of documents (n, d), rows of length 1."""

    folder: Path
    node: Node
    documents: Floats
    _partners: int = 0

    async def partner(self, **fields: Any) -> Partner:
        """Found a partner under a fresh name and grant it this; fields are those of a grant."""
        self._partners += 1
        name = f"lab-{self._partners}.example"
        create(self.folder / name, name, 1)
        async with opened(self.folder, name) as lab:
            await trust(self.node, lab)
            self._signers[name] = lab.identity.signer("sign")
        grant = {
            "peer": name,
            "collection": COLLECTION,
            "purposes": [PURPOSE],
            "labels": ["*"],
            **UNLIMITED,
            **fields,
        }
        text = "".join(f"{key} = {_toml(value)}\n" for key, value in grant.items())
        await find("policy.apply").handler(
            self.node, GrantFiles(files={"grant.toml": text}), silent
        )
        return Partner(name, grant, self)

    def row(self, partner: Partner, reference: str) -> int:
        """Truth: the row of the document that a reference stands for."""
        key, _ = self.node.references.resolve(partner.name, COLLECTION, reference)
        return int(self.node.collections.get(COLLECTION).external_id(key) or -1)

    def __post_init__(self) -> None:
        self._signers: dict[str, Any] = {}
        self._envelope = envelope(self.documents.shape[1])

    async def answer(
        self, partner: Partner, vectors: Floats, granularity: Granularity, k: int
    ) -> list[Any]:
        """One signed request and its answer, bytes in and bytes out. Raises Refused."""
        query = Query(
            id=new_salt(),
            salt=new_salt(),
            collection=COLLECTION,
            purpose=PURPOSE,
            k=k or int(partner.grant.get("max_k", 10)),
            granularity=granularity,
            space=self._envelope.space_id,
            envelope=self._envelope,
            vectors=encode(np.asarray(vectors, dtype=np.float32)),
        )
        signer, authority = self._signers[partner.name], self.node.identity.root.authorities[0]
        signed = sign_request(
            QUERY, authority, partner.name, CLINIC, query.encode(), signer, system_clock(),
            secrets.token_bytes(16),
        )  # fmt: skip
        headers = [(name.encode(), value.encode()) for name, value in signed.headers]
        raw = RawRequest("POST", authority, signed.path, "", headers, signed.body)
        answered = await self.node.responder.answer(raw, "benchmark")
        if answered.status != 200:
            raise Refused(_why(answered.body))
        results = Answer.parse(split_body(answered.body).payload).results
        return [
            tuple((hit.ref, hit.bin) for hit in one) if isinstance(one, tuple) else one
            for one in results
        ]


@asynccontextmanager
async def silo(folder: Path, documents: Floats) -> AsyncIterator[Silo]:
    """Found the clinic below `folder` with these documents in its collection."""
    create(folder / CLINIC, CLINIC, 2)
    async with opened(folder, CLINIC) as node:
        node.encoders.add("given", "caller", {}, envelope(documents.shape[1]))
        collection = await node.collections.create(COLLECTION, "given")
        rows = np.asarray(documents, dtype=np.float32)
        records = (
            Record(id=str(at), where=f"row {at}", vector=row, labels=frozenset({"open"}))
            for at, row in enumerate(rows)
        )
        await collection.ingest(records, len(rows), silent)
        await collection.compact(silent)
        yield Silo(folder, node, documents)


@contextmanager
def without_record_limits() -> Iterator[None]:
    """Lift the limits of answers about one record, which no grant can lift."""

    def any_number(*_: object) -> int:
        return 1 << 60

    with (
        patch.object(record_limits, "scored_limit", any_number),
        patch.object(record_limits, "answers_limit", any_number),
    ):
        yield


def _why(body: bytes) -> str:
    """The code of a refusal and its rule, from the body with or without a receipt."""
    line = body.partition(b"\n")[0]
    members: Any = json.loads(line)
    problem = members.get("problem", members)
    code = str(problem["code"])
    return f"{code} ({problem['rule']})" if problem.get("rule") else code


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(f'"{one}"' for one in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
