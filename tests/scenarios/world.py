"""A small world: several real nodes in one process, over real sockets, with real keys and logs.

Each organisation has its own data directory, keys, log, index and federation listener on loopback.
Vectors are given by the caller, so no model is needed; one time serves all, and can be moved; each
node has a clock that may differ from it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import BaseModel

from node.clock import system_clock
from node.clock_watch import steady_clock
from node.config_file import commented
from node.config_reading import parse_settings
from node.creation import create_node
from node.data_directory import DataDirectory
from node.doctor.finding import Diagnosis
from node.federation.ask import AskRequest, AskResult, SiloStatus
from node.ingest.record import Record
from node.listeners.connections import Connections
from node.listeners.federation import federation_app
from node.listeners.listening import Listening, listening
from node.listeners.tls import server_context
from node.metrics import Metrics
from node.node import Node
from node.operations.catalogue import find
from node.operations.pairing import (
    Approve,
    Invite,
    NewInvitation,
    PairingRequested,
    ReceivedRequest,
    RequestPairing,
)
from node.operations.peer_info import PeerInfo
from node.operations.peers import NamedPeer
from node.operations.policy import GrantFiles, PolicyChanges
from node.operations.registry import NoRequest, silent
from node.passphrase import Passphrase
from protocol import pairing
from protocol.envelope import Envelope, Prompts
from protocol.leaf import AnyLeaf, Leaf, decode_leaf
from tests.scenarios.ports import free_port

DIMENSION = 16
PURPOSE = "research"
DOCS = "docs"

ResultT = TypeVar("ResultT", bound=BaseModel)
LeafT = TypeVar("LeafT", bound=Leaf)


class Time:
    """The time of a world: the system's, moved by `offset` seconds."""

    def __init__(self) -> None:
        self.offset = 0

    def __call__(self) -> int:
        return system_clock() + self.offset

    def steady(self) -> float:
        """The seconds that really pass in this world."""
        return steady_clock() + self.offset


@dataclass
class OwnClock:
    """One organisation's clock: the world's, and ahead of it by so many seconds."""

    time: Time
    ahead: int = 0

    def __call__(self) -> int:
        return self.time() + self.ahead


def envelope(model: str = "one", probe: str | None = None) -> Envelope:
    """The space of a model that only these tests know; `probe` is its holder's own sketch."""
    return Envelope(
        probe=probe,
        provider="tests",
        model=model,
        revision="1",
        dimension=DIMENSION,
        pooling="none",
        normalisation="l2",
        similarity="cosine",
        prompts=Prompts.of(),
    )


def vector(topic: int, away: float = 0.0) -> NDArray[np.float32]:
    """A unit vector near an axis, turned from it by `away` towards the next one."""
    found = np.zeros(DIMENSION, dtype=np.float32)
    found[topic % DIMENSION] = np.cos(away)
    found[(topic + 1) % DIMENSION] = np.sin(away)
    return found


def documents(prefix: str, count: int = 12, labels: Sequence[str] = ("open",)) -> list[Record]:
    """Documents about one topic, ever further from it: `prefix-0` is nearest to topic 0."""
    return [
        Record(
            id=f"{prefix}-{n}",
            where=f"line {n}",
            text=f"the secret text {n} of {prefix}",
            vector=vector(0, 0.09 * n),
            labels=frozenset(labels),
        )
        for n in range(count)
    ]


@dataclass
class Organisation:
    """One running node and what tests do with it."""

    name: str
    node: Node
    url: str
    stack: AsyncExitStack
    clock: OwnClock

    async def do(self, operation: str, request: BaseModel, result: type[ResultT]) -> ResultT:
        """Run an operation, as the command line and the admin socket do."""
        answer = await find(operation).handler(self.node, request, silent)
        assert isinstance(answer, result)
        return answer

    async def ask(self, topic: int = 0, **fields: Any) -> AskResult:
        """Ask about a topic; fields are those of AskRequest."""
        given = {"vectors": [vector(topic).tolist()], "purpose": PURPOSE, "own": False, **fields}
        return await self.do("query", AskRequest.model_validate(given), AskResult)

    async def ask_one(self, topic: int = 0, **fields: Any) -> SiloStatus:
        """Ask, and return the one silo's status."""
        result = await self.ask(topic, **fields)
        (status,) = result.silos
        return status

    async def grant(self, *grants: Mapping[str, Any]) -> PolicyChanges:
        """Replace the policy by these grants; see `grant`."""
        files = {f"{n}.toml": toml(one) for n, one in enumerate(grants)} or {"none.toml": ""}
        return await self.do("policy.apply", GrantFiles(files=files), PolicyChanges)

    async def change(self, verb: str, peer: str) -> PeerInfo:
        """Pause, resume or revoke a partner."""
        return await self.do(f"peer.{verb}", NamedPeer(organisation=peer), PeerInfo)

    async def trust(self, other: Organisation, **fields: Any) -> PeerInfo:
        """Make the other an active partner here, and this one nobody there.

        The other invites, this side requests by mail and approves; the request is never received.
        """
        with quick_words():
            invited = await other.invite()
            asked = await self.request(invited.file, send=False, **fields)
        return await self.approve(other.name, asked.words)

    async def invite(self, **fields: Any) -> NewInvitation:
        """Make an invitation; fields are those of Invite."""
        return await self.do("pairing.invite", Invite(**fields), NewInvitation)

    async def request(self, invitation: str, **fields: Any) -> PairingRequested:
        """Answer an invitation; fields are those of RequestPairing."""
        request = RequestPairing(invitation=invitation, **fields)
        return await self.do("pairing.request", request, PairingRequested)

    async def receive(self, request: str) -> PeerInfo:
        """Take a request that came by mail."""
        return await self.do("pairing.receive", ReceivedRequest(request=request), PeerInfo)

    async def request_by_mail(self, inviter: Organisation) -> str:
        """Answer a new invitation of another, and return the request instead of sending it."""
        asked = await self.request((await inviter.invite()).file, send=False)
        return asked.request

    async def findings(self, partner: str | None = None) -> list[str]:
        """Codes of what doctor finds here, or between this node and a partner."""
        if partner is None:
            found = await self.do("doctor", NoRequest(), Diagnosis)
        else:
            found = await self.do("peer.test", NamedPeer(organisation=partner), Diagnosis)
        return [finding.code for finding in found.findings]

    async def approve(self, other: str, words: str | None) -> PeerInfo:
        """Approve a pending partner by the words that its admin reads out."""
        request = Approve(organisation=other, words=words or "")
        return await self.do("pairing.approve", request, PeerInfo)

    def all_leaves(self) -> list[AnyLeaf]:
        """Every leaf of the log, oldest first."""
        log = self.node.log
        return [decode_leaf(log.receipt(index).leaf) for index in range(log.size())]

    def leaves(self, kind: type[LeafT]) -> list[LeafT]:
        """The log's leaves of one type, oldest first."""
        return [leaf for leaf in self.all_leaves() if isinstance(leaf, kind)]

    async def stop(self) -> None:
        """Stop the node; its files stay."""
        await self.stack.aclose()


def grant(peer: str, **fields: Any) -> dict[str, Any]:
    """A grant on `docs` for research that shows what is open; fields replace or add.

    An eighth of so few components would be two answers about each document: it has all 16.
    """
    granted = {"peer": peer, "collection": DOCS, "purposes": [PURPOSE], "labels": ["open"]}
    return {**granted, "answers_per_record": DIMENSION, **fields}


def toml(fields: Mapping[str, Any]) -> str:
    """A flat grant as TOML."""
    return "".join(f"{name} = {_toml_value(value)}\n" for name, value in fields.items())


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml_value, value)) + "]"
    if isinstance(value, str):
        return f'"{value}"' if not value[:4].isdigit() else value  # dates stand without quotes
    return str(value)


@dataclass
class World:
    """All organisations of one test."""

    directory: Path
    time: Time = field(default_factory=Time)
    organisations: list[Organisation] = field(default_factory=list)

    async def organisation(
        self,
        name: str,
        records: Sequence[Record] | None = None,
        *,
        space: Envelope | None = None,
        url: str | None = None,
        setting: Mapping[str, Any] | None = None,
        asks_only: bool = False,
        ahead_s: int = 0,
    ) -> Organisation:
        """Found an organisation with a collection `docs`, and serve it.

        `url` is where partners are told to reach it, by default where it listens; `setting` are
        further settings by dotted name, `space` is its encoder's envelope. `asks_only`: it has
        neither url nor listener. `ahead_s`: its clock is as many seconds ahead of the world's.
        """
        port = free_port()
        data = DataDirectory(self.directory / f"{name}-{secrets.token_hex(4)}")
        place: dict[str, Any] = {"federation.enabled": False}
        if not asks_only:
            base = (url or "http://127.0.0.1:{port}").format(port=port)
            place = {"url": base, "federation.port": port}
        # no test shall fail because the machine is busy; those about deadlines set their own
        patient = {"partners.deadline_s": 30.0}
        text = commented({"organisation": name, **place, **patient, **(setting or {})})
        settings = parse_settings(text, "interlingua.toml", environ={})
        create_node(data, settings, text, None, self.time() + ahead_s)
        made = await self.serve(data, ahead_s)
        made.node.encoders.add("given", "caller", {}, space or envelope())
        if records is not None:
            collection = await made.node.collections.create(DOCS, "given", title="Documents")
            await collection.ingest(records, len(records), silent)
        return made

    async def serve(self, data: DataDirectory, ahead_s: int = 0) -> Organisation:
        """Serve an organisation that was founded before; see `organisation`."""
        clock = OwnClock(self.time, ahead_s)
        settings = parse_settings(data.config_file.read_text(), "interlingua.toml", environ={})
        async with AsyncExitStack() as opening:
            opening.enter_context(data.lock())
            node = await opening.enter_async_context(
                Node.opened(
                    data,
                    settings,
                    passphrase=Passphrase(),
                    clock=clock,
                    steady=self.time.steady,
                )
            )
            await node.start()
            if settings.federation.enabled:
                await opening.enter_async_context(self._listening(node))
            stack = opening.pop_all()
        made = Organisation(settings.organisation, node, settings.url or "", stack, clock)
        self.organisations.append(made)
        return made

    def _listening(self, node: Node) -> AbstractAsyncContextManager[Listening]:
        connections, where = Connections(256), node.settings.federation
        app = federation_app(node, Metrics(), connections)
        return listening("federation", app, connections, where, 1.0, server_context(where))

    async def close(self) -> None:
        """Stop every node."""
        for one in reversed(self.organisations):
            await one.stop()


def only(result: AskResult, organisation: str) -> SiloStatus:
    """The status of an organisation that was asked one collection."""
    (found,) = [silo for silo in result.silos if silo.organisation == organisation]
    return found


@contextmanager
def quick_words() -> Iterator[None]:
    """Six words at next to no cost.

    The real cost, a third of a second for both sides, is paid where the words themselves are tested
    (tests/protocol/test_pairing.py, tests/vectors/words.json), and by the demo's three nodes.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pairing, "PAIRING_SCRYPT_N", 16)
        yield


async def pair(one: Organisation, other: Organisation) -> None:
    """Let the other pair with the one that invites it, by mail, and both approve."""
    with quick_words():
        invited = await one.invite()
        asked = await other.request(invited.file, send=False)
        received = await one.receive(asked.request)
    await one.approve(other.name, asked.words)
    await other.approve(one.name, received.words)
