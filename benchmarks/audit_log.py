"""How fast the audit log appends, proves, checks, and how much room an entry takes.

    python -m benchmarks.audit_log [--entries 6000] [--folder DIR] [--json FILE]

`--entries 330000` makes the million of which the figures in benchmarks/results tell.

Each entry is an answered question with its signed request, a nonce, a stored answer, a debit and
ten exposures: the most that a commit carries. Folder and file system decide what an fsync costs.

What audit adds to an answer with one client is one append: an answer waits for its own leaf to be
durable, and for nothing else of the log. It and the inclusion proof are measured once the log has
its full size. Seconds are those of the clock; where other work runs beside it, compare the
CPU time (of this process and of those it starts, which includes their start), also for the bare
checks, in one run. The bare checks are of the requests' signatures only; `fsck` and `verify` check
those of the checkpoints as well.
"""

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from statistics import median, quantiles
from typing import Any, TypeVar

import uvloop

from node.audit import schema
from node.audit.entry import Entry
from node.audit.fsck import fsck
from node.audit.signature_pool import BATCH, SignaturePool, check
from node.audit.verify import verify_log
from node.operations.registry import silent
from protocol.leaf import Answered, decode_leaf
from tests.node.audit.entries import exchange, opened

EXPOSURES = 10
APPENDERS = (1, 16, 32, 128)
_Result = TypeVar("_Result")
MADE = 20_000  # entries that are made before they are appended; they take 10 kB each


def made_entries(first: int, number: int) -> Iterator[Entry]:
    """Return entries that are made already, from one number on."""
    return iter(
        [
            exchange(n, documents=tuple(range(EXPOSURES * n, EXPOSURES * (n + 1))))
            for n in range(first, first + number)
        ]
    )


def run(task: Coroutine[Any, Any, _Result]) -> _Result:
    """Run to the end in an event loop as a serving node has it."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(task)


async def append(
    path: Path, appenders: int, entries: int, first: int
) -> tuple[float, list[float], float]:
    """Return entries a second, each append's seconds, and CPU seconds an entry."""
    seconds = []
    async with opened(path) as log:
        log.recall_answered()  # as a node does before it answers

        async def one(rest: Iterator[Entry]) -> None:
            for entry in rest:
                began = time.perf_counter()
                await log.append(entry)
                seconds.append(time.perf_counter() - began)

        taken = used = 0.0
        for start in range(first, first + entries, MADE):
            made = made_entries(start, min(MADE, first + entries - start))
            began, cpu_before = time.perf_counter(), cpu()
            await asyncio.gather(*(one(made) for _ in range(appenders)))
            taken += time.perf_counter() - began
            used += cpu() - cpu_before
        return entries / taken, seconds, used / entries


async def prove(path: Path, proofs: int = 500) -> float:
    """Return the median seconds of one inclusion proof from the file."""
    seconds = []
    async with opened(path) as log:
        size = log.size()
        for n in range(proofs):
            began = time.perf_counter()
            log.receipt(n * size // proofs)
            seconds.append(time.perf_counter() - began)
    return median(seconds)


def cpu() -> float:
    """Return the CPU seconds that this process and those it started and has seen end have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def signatures(path: Path, most: int = 20_000) -> tuple[float, float]:
    """Return the seconds of one bare signature check, all cores at work, with nothing beside it.

    And its CPU seconds, from one process.
    """
    with schema.snapshot(path) as connection:
        rows = connection.execute("SELECT data FROM leaves LIMIT ?", (most,))
        leaves = [decode_leaf(bytes(data)) for (data,) in rows]
    signed = [leaf.evidence.signed_by(leaf.key) for leaf in leaves if isinstance(leaf, Answered)]
    pool = SignaturePool(alone=0)
    for measured in (False, True):  # the first time, the processes start
        began = time.perf_counter()
        batches = range(0, len(signed), BATCH)
        for at in batches:
            pool.give(signed[at : at + BATCH])
        verified = sum(sum(pool.take()) for _ in batches)
        taken = time.perf_counter() - began
        if verified != len(signed):
            raise ValueError(f"{len(signed) - verified} signatures do not verify")
        if measured:
            pool.close()
    began = time.thread_time()
    check(signed[: 4 * BATCH])
    return taken / len(signed), (time.thread_time() - began) / len(signed[: 4 * BATCH])


WANTED = {
    "32 appenders: entries a second": "5000 or more",
    "inclusion proof, median ms": "less than 1",
    "audit adds to an answer, one client, median ms": "at most 1",
    "fsck, seconds for a million": "less than 20",
    "verify over bare signature checks": "at most 1.3",
}
"""What is asked of a log of a million leaves."""


def measure(path: Path, entries: int) -> dict[str, float]:
    """Append, prove and check; return every figure by its name, and say it meanwhile."""
    from tests.node.audit.test_verify import KNOWING  # not for the processes that import this file

    found: dict[str, float] = {}

    def note(name: str, value: float) -> None:
        found[name] = round(value, 4)
        wanted = f"   wanted: {WANTED[name]}" if name in WANTED else ""
        sys.stdout.write(f"{name:48}{value:12.3f}{wanted}\n")
        sys.stdout.flush()

    leaves = 0
    for appenders in APPENDERS:
        # each of one appender has a checkpoint of its own; of two there are quantiles
        some = entries if appenders > 1 else max(2, entries // 20)
        rate, seconds, used = run(append(path, appenders, some, leaves))
        leaves += some
        note(f"{appenders} appenders: entries a second", rate)
        note(f"{appenders} appenders: CPU us an entry", used * 1e6)
        note(f"{appenders} appenders: median ms", median(seconds) * 1e3)
        note(f"{appenders} appenders: p99 ms", quantiles(seconds, n=100)[98] * 1e3)
    note("leaves", leaves)
    note("inclusion proof, median ms", run(prove(path)) * 1e3)
    _, seconds, _ = run(append(path, 1, 600, leaves))
    leaves += 600
    note("audit adds to an answer, one client, median ms", median(seconds) * 1e3)
    note("bytes an entry", path.stat().st_size / leaves)
    for name, examine in (
        ("fsck", lambda: fsck(path, silent)),
        ("verify", lambda: verify_log(path, KNOWING, silent)),
    ):
        began, used = time.perf_counter(), cpu()
        examine()
        note(f"{name}, us a leaf", (time.perf_counter() - began) / leaves * 1e6)
        note(f"{name}, CPU us a leaf", (cpu() - used) / leaves * 1e6)
        note(f"{name}, seconds for a million", found[f"{name}, us a leaf"])
    bare, bare_cpu = signatures(path)
    note("bare signature check on all cores, us", bare * 1e6)
    note("bare signature check, CPU us", bare_cpu * 1e6)
    note("verify over bare signature checks", found["verify, us a leaf"] / bare / 1e6)
    ratio = found["verify, CPU us a leaf"] / bare_cpu / 1e6
    note("verify over bare signature checks, CPU", ratio)
    return found


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--entries", type=int, default=6_000, help="per number of appenders; a twentieth for one"
    )
    parser.add_argument("--folder", type=Path, help="where the log lies (default: temporary)")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        found = measure(Path(folder) / "log.db", options.entries)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
