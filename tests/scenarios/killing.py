"""Kill a whole serving node (-9) under real load, and compare what its partner holds with its log.

Rule of this file: the node is a process of its own, as `interlingua serve` runs it; its partner
asks it over HTTP, eight questions at a time, from another process. After each kill the partner's
answers have their leaves, each once, and `fsck` finds nothing; at the end both sides' bundles are
joined, and neither contradicts the other. `make crash-test ARGS=--whole-node` does it for longer.
"""

import asyncio
import logging
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import structlog

from node.audit import schema, tree_rows
from node.audit.fsck import fsck
from node.data_directory import DataDirectory
from node.federation.errors import FederationError
from node.operations.audit import verify_directory
from node.operations.audit_reconcile import BundlesReconciled, reconcile_bundles
from node.operations.registry import silent
from protocol.leaf import Answered, AnyLeaf, Received, decode_leaf
from tests.scenarios.bundles import bundle
from tests.scenarios.serving import serving, until_it_answers
from tests.scenarios.world import Organisation, World, documents, grant, pair

ASKERS = 8
EARLY = 0.15
"""The share of kills that come while the node starts, or soon after."""
EARLY_S, LATEST_S = 2.0, 0.5
KILLS_A_WORLD = 20
"""After as many kills other organisations begin, so that comparing does not take ever longer."""
NO_CONTRADICTION = {"unheard", "undelivered", "unconfirmed", "not-covered"}


class NotKept(Exception):
    """What a killed node did not keep; the folder stays as it is."""


@dataclass
class Killing:
    """A lab that asks, and a clinic whose node is killed; `shown` answers reached the askers."""

    world: World
    lab: Organisation
    data: DataDirectory
    shown: int = 0

    @classmethod
    async def begun(cls, world: World) -> "Killing":
        """Found both, and stop the clinic's node."""
        lab = await world.organisation("lab.example")
        clinic = await world.organisation("clinic.example", documents("clinic"))
        await pair(lab, clinic)
        await clinic.grant(grant("lab.example", rate=100_000, queries_per_day=100_000))
        await clinic.stop()
        return cls(world, lab, clinic.node.data)

    async def kill_under_load(self, after_s: float) -> None:
        """Start the node, ask it, and kill it so long after the first answer."""
        async with serving(self.data.path) as process:
            await until_it_answers(self.lab)
            busy, gone = asyncio.Event(), asyncio.Event()
            asking = [asyncio.create_task(self._ask(busy, gone)) for _ in range(ASKERS)]
            await busy.wait()
            await asyncio.sleep(after_s)
            process.send_signal(signal.SIGKILL)
            gone.set()
            self.shown += sum(await asyncio.gather(*asking))
        self._compare()

    async def kill_at_its_start(self, after_s: float) -> None:
        """Kill the node so long after its process began."""
        async with serving(self.data.path):
            await asyncio.sleep(after_s)
        self._compare()

    async def end(self, folder: Path) -> tuple[Organisation, BundlesReconciled]:
        """Serve the clinic again in this process, and join both sides' bundles."""
        again = await self.world.serve(DataDirectory(self.data.path))
        await until_it_answers(self.lab)
        told = [await bundle(each, folder / f"{each.name}.jsonl") for each in (self.lab, again)]
        joined = reconcile_bundles(told[0], told[1], ())
        kinds = {each.kind for each in joined.differences}
        require(kinds <= NO_CONTRADICTION, f"the two sides differ: {joined.differences}")
        for each in (self.lab, again):
            verified = verify_directory(each.node.data.path, None, silent)
            require(not verified.findings, f"{each.name}: {verified.findings}")
        return again, joined

    def _compare(self) -> None:
        examined = fsck(self.data.log_file, silent)
        require(not examined.findings, f"fsck finds {examined.findings.listed}")
        logged = leaves_of(self.data)
        answered = Counter(leaf.query for leaf in logged if isinstance(leaf, Answered))
        require(max(answered.values(), default=0) < 2, "a question was answered twice")
        received = [leaf for leaf in self.lab.leaves(Received) if leaf.receipt is not None]
        places = {leaf.receipt.index for leaf in received if leaf.receipt is not None}
        require(len(places) == len(received), "two answers were given one leaf")
        for leaf in received:
            at = leaf.receipt.index if leaf.receipt is not None else -1
            theirs = logged[at] if at < len(logged) else None
            found = getattr(theirs, "answer", None) == leaf.answer is not None
            require(found, f"the answer whose leaf is {at} has no such leaf")
        require(len(received) >= self.shown, "an answer was shown that was not received")

    async def _ask(self, busy: asyncio.Event, gone: asyncio.Event) -> int:
        """Ask until the node is gone; return how many answers were shown.

        A question may find no answer in time before that: on a busy machine all of the first do.
        """
        shown = 0
        while not gone.is_set():
            try:
                result = await self.lab.ask(deadline_s=2.0)
            except FederationError:
                await asyncio.sleep(0.05)
                continue
            if result.silos[0].state == "ok":
                shown += 1
                busy.set()
        return shown


def leaves_of(data: DataDirectory) -> list[AnyLeaf]:
    """Every leaf of a log whose node does not run."""
    with schema.snapshot(data.log_file) as connection:
        size = tree_rows.size(connection)
        raws = (tree_rows.leaf(connection, index) for index in range(size))
        return [decode_leaf(raw or b"") for raw in raws]


def require(condition: bool, otherwise: str) -> None:
    """Raise NotKept unless the condition holds."""
    if not condition:
        raise NotKept(otherwise)


async def run(kills: int, seed: int) -> dict[str, int]:
    """Kill so often, at moments that the seed decides; returns what was done. Raises NotKept."""
    logging.disable()  # what fails at the askers is what is tested
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    done: Counter[str] = Counter()
    began = time.monotonic()
    while done["kills"] < kills:
        folder = Path(tempfile.mkdtemp(prefix="interlingua-crash-"))  # stays where it fails
        world = World(folder)
        try:
            killing = await Killing.begun(world)
            for _ in range(min(KILLS_A_WORLD, kills - done["kills"])):
                done[await _one(killing, seed, done["kills"])] += 1
                done["kills"] += 1
            _, joined = await killing.end(folder)
            done["answers held, each with its leaf, once"] += killing.shown
            done["exchanges that both sides tell alike"] += joined.agreed
        except NotKept as error:
            raise NotKept(f"{error} (seed {seed}, kill {done['kills']}, in {folder})") from error
        finally:
            await world.close()
        sys.stderr.write(f"{done['kills']} of {kills} kills, {time.monotonic() - began:.0f} s\n")
        shutil.rmtree(folder)
    return dict(done)


async def _one(killing: Killing, seed: int, number: int) -> str:
    chance = random.Random(f"{seed}:{number}")  # noqa: S311 - moments, not secrets
    if chance.random() < EARLY:
        await killing.kill_at_its_start(chance.random() * EARLY_S)
        return "killed: starting"
    await killing.kill_under_load(chance.random() * LATEST_S)
    return "killed: answering"
