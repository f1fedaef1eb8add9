"""A whole node that changes a collection's model, killed at random moments until it has got there.

    python -m tests.scenarios.killed_while_changing [--strategy shadow] [--kills 10] [--seed 0]

The node is a process of its own that serves as `interlingua serve` does, its models answer over
HTTP, and it is told over its admin socket what an admin types. After each kill -9 it is started
again and told the rest. A partner and the own people ask it without a pause: while it is up, nobody
gets less than a whole answer. At the end it holds what it would hold without any kill.
"""

import argparse
import asyncio
import json
import random
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from examples.three_organisations.embedding_server import application
from examples.three_organisations.model import Model
from node.cli.admin_client import NobodyListens, call
from node.data_directory import DataDirectory
from node.federation.ask import AskRequest
from node.operations.bridging import BridgeTo
from node.operations.collections import DeleteDocuments, Ingest, Ingested
from node.operations.encoders import AddedEncoder, AddEncoder
from node.operations.errors import OperationError, Unavailable
from node.operations.migration import Migrate, RolledBack, SwitchVersion
from node.operations.register import Catalog, WantedVersions
from node.operations.registry import silent
from node.operations.retiring import RetireVersion
from node.operations.strategies import AnswerFromBoth, Progressive
from protocol.leaf import CollectionChanged, decode_leaf
from tests.scenarios.changing import ASKED, CLINIC, LAB, question, text
from tests.scenarios.fitted_models import fitted
from tests.scenarios.node_process import started
from tests.scenarios.world import DOCS, PURPOSE, Organisation, World, grant, pair

MODELS = {"old": "cooccurrence", "new": "word"}
COUNT = 200
"""Documents, so that a migration takes several batches."""

RATE = 400
"""Documents a second, so that it takes long enough to be killed in."""

FILES = {
    "first": range(COUNT),
    "second": range(COUNT - 40, COUNT + 20),
    "third": range(COUNT - 20, COUNT + 30),
}
"""What is ingested, before and meanwhile: documents that are changed, and new ones."""

DELETED = tuple(f"d{number}" for number in range(COUNT - 70, COUNT - 40))

LONGEST_S = 1.5
"""Between a node's start and its kill, at most (seconds)."""


@asynccontextmanager
async def models() -> AsyncIterator[dict[str, tuple[Model, str]]]:
    """Both models, each behind an address of its own."""
    runners, found = [], {}
    for name, recipe in MODELS.items():
        model = fitted(recipe)
        runner = web.AppRunner(application(model), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        runners.append(runner)
        found[name] = (model, f"http://127.0.0.1:{runner.addresses[0][1]}/v1")
    try:
        yield found
    finally:
        for runner in runners:
            await runner.cleanup()


@dataclass
class Plan:
    """The files that the admin ingests on the way, and what is there in the end."""

    folder: Path

    def write(self) -> None:
        """Write the files."""
        for name, numbers in FILES.items():
            lines = (json.dumps(row(number, name)) + "\n" for number in numbers)
            (self.folder / f"{name}.jsonl").write_text("".join(lines))

    def expected(self) -> dict[str, str]:
        """The documents at the end, by id."""
        rows = (row(number, name) for name, numbers in FILES.items() for number in numbers)
        found = {each["id"]: each["text"] for each in rows}
        return {key: words for key, words in found.items() if key not in DELETED}

    def ingest(self, name: str) -> tuple[str, BaseModel]:
        """The command that ingests one of the files."""
        return "collection.ingest", Ingest(collection=DOCS, file=self.folder / f"{name}.jsonl")


def row(number: int, edition: str) -> dict[str, Any]:
    """A document as a line of a file."""
    words = text(number, f"{edition} {number} ")
    return {"id": f"d{number}", "text": words, "labels": ["open"]}


@dataclass
class Told:
    """The admin at the socket of a node that may be gone at any moment."""

    data: DataDirectory

    async def do(self, operation: str, request: BaseModel) -> dict[str, Any]:
        """Run one operation. Raises NobodyListens, Unavailable: the node was killed."""
        return await asyncio.to_thread(call, self.data.admin_socket, operation, request, silent)

    async def events(self) -> list[str]:
        """What became of the versions so far, once the node answers."""
        await self.do("catalog", WantedVersions(collection=DOCS))
        with sqlite3.connect(f"file:{self.data.store_file}?mode=ro", uri=True) as db:
            found = db.execute("SELECT event FROM switches ORDER BY key").fetchall()
        return [event for (event,) in found]

    async def states(self) -> dict[str, str]:
        """The state of each version by its encoder."""
        shown = Catalog.model_validate(await self.do("catalog", WantedVersions(collection=DOCS)))
        return {version.encoder: version.state for version in shown.versions}


async def by_shadow(told: Told, plan: Plan) -> None:
    """Build aside while documents change, then switch; see `switch_and_back`."""
    if "complete" not in await told.events():
        await told.do("collection.migrate", Migrate(collection=DOCS, to="new", rate=RATE))
    await change_documents(told, plan)
    if (await told.states())["new"] != "serving":
        await told.do("collection.migrate", Migrate(collection=DOCS, to="new"))
    await switch_and_back(told, plan)


async def by_bridge(told: Told, plan: Plan) -> None:
    """Ask the old index over a bridge, and build aside under it."""
    if "bridge" not in await told.events():
        await told.do("collection.bridge", BridgeTo(collection=DOCS, to="new"))
    await by_shadow(told, plan)


async def by_both(told: Told, plan: Plan) -> None:
    """Answer from both versions while the new one is filled."""
    if "cutover" not in await told.events():
        request = AnswerFromBoth(collection=DOCS, to="new", rate=RATE)
        await told.do("collection.both", request)
        await change_documents(told, plan)
        await told.do("collection.both", request)
    await change_documents(told, plan)
    await switch_and_back(told, plan)


async def by_steps(told: Told, plan: Plan) -> None:
    """Raise the share step by step; the node takes the steps, and cuts over, by itself."""
    if "cutover" not in await told.events():
        await told.do(
            "collection.progressive",
            Progressive(collection=DOCS, to="new", rate=RATE, share=(50, 100), every_s=0),
        )
        await change_documents(told, plan)
        while "cutover" not in await told.events():  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(0.2)
    await change_documents(told, plan)
    await switch_and_back(told, plan)


async def change_documents(told: Told, plan: Plan) -> None:
    """Add, change and delete documents; doing it again changes nothing."""
    await told.do(*plan.ingest("second"))
    await told.do("collection.delete", DeleteDocuments(collection=DOCS, ids=DELETED))


async def switch_and_back(told: Told, plan: Plan) -> None:
    """Cut over, back, and over again; then retire the former version."""
    if "cutover" not in await told.events():
        await told.do("collection.cutover", SwitchVersion(collection=DOCS))
    if "rollback" not in await told.events():
        await told.do("collection.rollback", RolledBack(collection=DOCS))
    await told.do(*plan.ingest("third"))
    if (await told.states())["new"] == "shadow":
        await told.do("collection.cutover", SwitchVersion(collection=DOCS))
    if (await told.states())["old"] != "retired":
        former = RetireVersion(collection=DOCS, version="v1", force=True)
        await told.do("collection.retire", former)


STRATEGIES: dict[str, Callable[[Told, Plan], Awaitable[None]]] = {
    "shadow": by_shadow,
    "bridge": by_bridge,
    "both": by_both,
    "progressive": by_steps,
}
"""Each may be begun again from its beginning after any kill."""

_SWITCHED = ("cutover", "rollback", "cutover", "retired")
EVENTS = {
    "shadow": ["migration-begun", "complete", *_SWITCHED],
    "bridge": ["bridge", "migration-begun", "complete", *_SWITCHED],
    "both": ["migration-begun", "both", "complete", *_SWITCHED],
    "progressive": ["migration-begun", "progressive", "complete", "share", *_SWITCHED],
}
"""The events of each, once each, in the log as in store.db."""

LEARNT = " reach "
"""In why a course changed: by a map that a node learns if it has the time meanwhile."""

KNOWN = frozenset(event for events in EVENTS.values() for event in events)


@dataclass
class Outcome:
    """What is left at the end, and what happened on the way.

    `documents`: each one's text, and its vector by the encoder of each version that is kept.
    """

    documents: dict[str, tuple[str, dict[str, bytes]]]
    events: list[str]
    states: list[tuple[str, str]]
    kills: list[float] = field(default_factory=list)
    asked: int = 0
    wrong: list[Any] = field(default_factory=list)


class Killed:
    """Runs a strategy in a node that is killed so many times."""

    def __init__(self, lab: Organisation, data: DataDirectory, plan: Plan, strategy: str) -> None:
        self._lab, self._data, self._plan = lab, data, plan
        self._follow = STRATEGIES[strategy]
        self._up = 0  # counts starts; 0 while nobody serves
        self._starts = 0
        self._stopped = False
        self.asked = 0
        self.wrong: list[Any] = []
        self.kills: list[float] = []

    async def run(self, moments: Iterable[float]) -> None:
        """Kill the node at these moments after its starts, then let it come to the end."""
        asking = [asyncio.create_task(each()) for each in (self._partner, self._own)]
        for moment in (*moments, None):
            child = await started(self._data.path)
            work = asyncio.create_task(self._work())
            if moment is None:
                await work
                self._up, self._stopped = 0, True
                child.terminate()
            else:
                await asyncio.wait({work}, timeout=moment)
                self._up = 0
                child.kill()
                self.kills.append(moment)
                work.cancel()  # it may be waiting for a node that had not come up
                with suppress(NobodyListens, Unavailable, asyncio.CancelledError):
                    await work
            await asyncio.to_thread(child.join)
            child.close()
        await asyncio.gather(*asking)

    async def _work(self) -> None:
        told = Told(self._data)
        while True:
            try:
                await told.events()
                break
            except (NobodyListens, OperationError):
                await asyncio.sleep(0.02)
        self._starts += 1
        self._up = self._starts
        await self._follow(told, self._plan)

    async def _partner(self) -> None:
        async def ask(number: int) -> Any:
            found = await self._lab.ask(
                vectors=[], texts=[question(number)], encoder="old", deadline_s=10.0
            )
            (silo,) = found.silos
            return silo.state == "ok" and silo.hits == 10, silo

        await self._keep(ask)

    async def _own(self) -> None:
        told = Told(self._data)

        async def ask(number: int) -> Any:
            asked = AskRequest(
                texts=(question(number),), purpose=PURPOSE, collections=(f"{CLINIC}/{DOCS}",)
            )
            found = await told.do("query", asked)
            (silo,) = found["silos"]
            return silo["state"] == "ok" and silo["hits"] == 10, silo

        await self._keep(ask)

    async def _keep(self, ask: Callable[[int], Awaitable[Any]]) -> None:
        """Ask all the time; what one start of the node was asked and did not answer is wrong."""
        while not self._stopped:
            for number in ASKED:
                start = self._up
                if not start:
                    await asyncio.sleep(0.02)
                    continue
                try:
                    right, told = await ask(number)
                except Exception as error:
                    right, told = False, error
                if self._up == start:
                    self.asked += 1
                    if not right:
                        self.wrong.append((number, told))


def outcome(data: DataDirectory) -> Outcome:
    """Read with SQLite itself what a stopped node holds."""
    with sqlite3.connect(data.store_file) as db:
        states = db.execute("SELECT encoder, state FROM versions ORDER BY key").fetchall()
        switches = db.execute("SELECT event, reason FROM switches ORDER BY key").fetchall()
        unlogged = db.execute("SELECT count(*) FROM switches WHERE logged = 0").fetchone()
        vectors: dict[str, tuple[str, dict[str, bytes]]] = {}
        rows = db.execute(
            "SELECT d.external_id, d.text, v.encoder, c.vector FROM documents d"
            " LEFT JOIN chunks c ON c.document = d.key LEFT JOIN versions v ON v.key = c.version"
            " ORDER BY d.external_id, v.key"
        )
        for name, words, encoder, vector in rows:
            vectors.setdefault(name, (words, {}))[1][encoder] = vector
        assert unlogged == (0,)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    with sqlite3.connect(data.log_file) as log:
        leaves = [
            decode_leaf(raw) for (raw,) in log.execute("SELECT data FROM leaves ORDER BY idx")
        ]
    changed = [
        leaf.event
        for leaf in leaves
        if isinstance(leaf, CollectionChanged) and LEARNT not in (leaf.reason or "")
    ]
    names = [event for event, reason in switches if LEARNT not in (reason or "")]
    assert [each for each in changed if each in KNOWN] == names
    return Outcome(vectors, names, states)


async def killed(folder: Path, strategy: str, moments: Iterable[float]) -> Outcome:
    """Found both organisations, run the strategy through the kills, and look at what is left."""
    world, plan = World(folder), Plan(folder)
    plan.write()
    async with models() as served:
        try:
            lab, data = await _founded(world, plan, served)
            run_through = Killed(lab, data, plan, strategy)
            await run_through.run(moments)
        finally:
            await world.close()
    found = outcome(data)
    found.kills, found.asked, found.wrong = run_through.kills, run_through.asked, run_through.wrong
    return found


async def _founded(
    world: World, plan: Plan, served: dict[str, tuple[Model, str]]
) -> tuple[Organisation, DataDirectory]:
    ports = {"local_api.port": 0, "admin.port": 0}
    lab = await world.organisation(LAB)
    clinic = await world.organisation(CLINIC, setting=ports)
    for each, names in ((lab, ("old",)), (clinic, ("old", "new"))):
        for name in names:
            model, url = served[name]
            settings = {"url": url, "model": model.name}
            add = AddEncoder(name=name, kind="openai", settings=settings)
            await each.do("encoder.add", add, AddedEncoder)
    await clinic.node.collections.create(DOCS, "old", title="Documents")
    await clinic.do(*plan.ingest("first"), Ingested)
    await pair(lab, clinic)
    many = {"rate": 100_000, "queries_per_day": 1_000_000, "near_duplicates_per_day": 4096}
    await clinic.grant(grant(LAB, answers_per_record=100_000, **many))
    data = clinic.node.data
    await clinic.stop()
    world.organisations.remove(clinic)
    return lab, data


def moments(kills: int, seed: int) -> list[float]:
    """When to kill after each start (seconds), the same ones for a seed."""
    chance = random.Random(seed)  # noqa: S311 - chooses the moments of the kills
    return [chance.uniform(0, LONGEST_S) for _ in range(kills)]


def same(one: Outcome, other: Outcome) -> bool:
    """Whether both came to the same end."""
    return (one.documents, one.events, one.states) == (other.documents, other.events, other.states)


def main() -> int:
    """Run each strategy without kills and with them, and compare."""
    options = argparse.ArgumentParser(description="Kill a node that changes a model, and compare.")
    options.add_argument("--strategy", choices=STRATEGIES, action="append")
    options.add_argument("--kills", type=int, default=10)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    failed = 0
    for strategy in chosen.strategy or STRATEGIES:
        ends = []
        for when in ([], moments(chosen.kills, chosen.seed)):
            with tempfile.TemporaryDirectory(prefix="k") as folder:
                ends.append(asyncio.run(killed(Path(folder), strategy, when)))
        undisturbed, disturbed = ends
        good = same(undisturbed, disturbed) and not undisturbed.wrong and not disturbed.wrong
        failed += not good
        said = {
            "strategy": strategy, "kills": len(disturbed.kills), "seed": chosen.seed,
            "asked": disturbed.asked, "wrong": len(disturbed.wrong), "same end": good,
        }  # fmt: skip
        print(json.dumps(said), flush=True)  # noqa: T201 - the result
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
