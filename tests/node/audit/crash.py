"""Kill the appender again and again, and compare what it acknowledged with what the log holds.

    python -m tests.node.audit.crash [--kills 2000] [--seed N] [--folder DIR] [--json FILE]
    python -m tests.node.audit.crash --whole-node [--kills 200] [--seed N] [--json FILE]

The second form kills whole serving nodes that a partner asks (tests/scenarios/killing.py).

Rule of this file: each round forks a process that appends under load (``appender``) and kills it
(-9) at a random moment: while it opens the log, while it appends, while keys follow each other, or,
in one round of ``FAULT_EVERY``, after its disk refused for a while and then did not (``faults``).
After each round the log has every acknowledged leaf exactly once, extends each tree whose
checkpoint was given out, and `fsck` finds nothing; nothing is kept beside it without its leaf and
its key; while the disk refused, nothing was
acknowledged, and afterwards it was again.

With ``--folder`` an interrupted run goes on where it was. The seed decides the moments; what a
process had reached by then, the machine.
"""

import argparse
import asyncio
import json
import logging
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from node.audit import schema, tree_rows
from node.audit.fsck import fsck
from node.operations.registry import silent
from protocol.merkle import consistency_proof, leaf_hash, root, verify_consistency
from tests.node.audit import faults
from tests.node.audit.appender import Appender, keys_so_far, log_keys, verifier_keys

ROOT = Path(__file__).parents[3]
KILLS_A_LOG = 20
"""After as many rounds another log is begun, so that comparing does not take ever longer."""
FAULT_EVERY = 8
EARLY = 0.2
"""The share of rounds that end while the log is being opened, or soon after."""
EARLY_S, LATEST_S = 0.03, 0.4
PATIENCE_S = 60.0


class CrashTestFailed(Exception):
    """What a killed log did not keep; the folder stays as it is."""


@dataclass(frozen=True)
class Acknowledged:
    """One receipt that the process gave out before it died."""

    index: int
    leaf: str
    size: int
    root: str


@dataclass
class Tally:
    """What was done so far; ``kills`` counts by what the process was doing."""

    seed: int
    rounds: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    acknowledged: int = 0
    leaves: int = 0
    logs: int = 0
    keys: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Notes:
    """What a killed process had noted: in order, ``None`` for an entry that was refused."""

    lines: tuple[Acknowledged | None, ...]

    @classmethod
    def read(cls, path: Path) -> "Notes":
        """Read what is finished; raises CrashTestFailed where the log did not open."""
        found: list[Acknowledged | None] = []
        for line in path.read_text().split("\n")[:-1]:
            word, _, rest = line.partition(" ")
            if word == "closed":
                raise CrashTestFailed(f"the log did not open: {rest}")
            if word == "ack":
                index, leaf, size, head = rest.split()
                found.append(Acknowledged(int(index), leaf, int(size), head))
            else:
                found.append(None)
        return cls(tuple(found))

    @property
    def acknowledged(self) -> list[Acknowledged]:
        """The receipts."""
        return [one for one in self.lines if one is not None]


def start(path: Path, notes: Path, number: int) -> int:
    """Fork the appender; returns its process id."""
    log_keys(), verifier_keys()  # made once, before the fork
    pid = os.fork()
    if pid:
        return pid
    try:
        logging.disable()  # dropped batches are what is tested
        descriptor = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        asyncio.run(Appender(path, descriptor, number).run())
    finally:
        os._exit(0)


def kill(pid: int) -> None:
    """Kill the appender, and wait until it is gone."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def compare(path: Path, acknowledged: list[Acknowledged]) -> int:
    """Require that the log holds each acknowledged leaf exactly once and extends each checkpoint.

    Returns the log's size. Raises CrashTestFailed or ProofMismatch.
    """
    examined = fsck(path, silent)
    require(not examined.findings, f"fsck finds {examined.findings.listed}")
    with schema.snapshot(path) as connection:
        rows = connection.execute("SELECT idx, data FROM leaves")
        stored = {int(index): leaf_hash(bytes(data)).hex() for index, data in rows}
        hash_at = tree_rows.hash_reader(connection)
        size = tree_rows.size(connection)
        whole = root(size, hash_at)
        require(len(set(stored.values())) == size, "a leaf is there twice")
        given = {one.index for one in acknowledged}
        require(len(given) == len(acknowledged), "two entries were given one leaf")
        for one in acknowledged:
            require(stored.get(one.index) == one.leaf, f"the acknowledged leaf {one} is not there")
        for old, head in {(one.size, one.root) for one in acknowledged}:
            proof = consistency_proof(old, size, hash_at)
            verify_consistency(old, size, bytes.fromhex(head), whole, proof)
        answers = "SELECT count(*) FROM facts WHERE type = 'answered'"
        answered = connection.execute(answers).fetchone()[0]
        for what, times in (
            ("SELECT sum(n) FROM queries", 1),
            ("SELECT count(*) FROM nonces", 1),
            ("SELECT count(*) FROM probes", 1),
            ("SELECT sum(n) FROM exposures", 2),  # the appender tells of two records each time
            ("SELECT sum(n) FROM exposures WHERE document < 50", 1),
        ):
            counted = connection.execute(what).fetchone()[0] or 0
            require(counted == times * answered, f"{what}: {counted} for {answered} answers")
    compare_content(path.parent, size)
    return size


def compare_content(folder: Path, size: int) -> None:
    """Require that whatever was kept beside the log has its leaf there, and a key of its own."""
    records, keys = folder / "content.db", folder / "content_keys.db"
    if not records.exists() or not keys.exists():
        return
    with closing(sqlite3.connect(records)) as db:
        if db.execute("PRAGMA user_version").fetchone()[0] == 0:
            return  # killed while the file was made
        indexes = [int(row[0]) for row in db.execute("SELECT idx FROM records")]
        slots = {int(row[0]) for row in db.execute("SELECT slot FROM records")}
    with closing(sqlite3.connect(keys)) as db:
        known = {int(row[0]) for row in db.execute("SELECT slot FROM keys")}
    require(max(indexes, default=-1) < size, "content is kept that has no leaf")
    require(len(set(indexes)) == len(indexes), "content of one leaf is kept twice")
    require(slots <= known, "content is kept whose key is not on disk")


def require(condition: bool, otherwise: str) -> None:
    """Raise CrashTestFailed unless the condition holds."""
    if not condition:
        raise CrashTestFailed(otherwise)


class Rounds:
    """The rounds of one run, in a folder that holds the present log and the tally."""

    def __init__(self, folder: Path, seed: int, with_faults: bool) -> None:
        self._folder, self._faults = folder, with_faults
        self._log, self._notes = folder / "log.db", folder / "notes"
        self._state = folder / "tally.json"
        self.tally = Tally(seed)
        self._acknowledged: list[Acknowledged] = []
        if self._state.exists():
            told = json.loads(self._state.read_text())
            self.tally = Tally(**{**told, "kills": Counter(told["kills"])})
        self._clear()

    def run(self, kills: int) -> None:
        """Go on until there were as many kills in all."""
        while self.tally.rounds < kills:
            began = time.monotonic()
            self._round()
            self.tally.seconds += time.monotonic() - began
            last = self.tally.rounds == kills
            if self.tally.rounds % KILLS_A_LOG == 0 or last:
                self._next_log()
            if sys.stderr.isatty() or self.tally.rounds % 100 == 0 or last:
                told = f"{self.tally.rounds} of {kills} kills, {self.tally.seconds:.0f} s"
                sys.stderr.write(f"{told}\n")

    def _round(self) -> None:
        number = self.tally.rounds
        chance = random.Random(f"{self.tally.seed}:{number}")  # noqa: S311 - moments, not secrets
        pid = start(self._log, self._notes, number + 1)
        try:
            doing = self._wait(chance)
        finally:
            kill(pid)
            faults.mend()
        notes = Notes.read(self._notes) if self._notes.exists() else Notes(())
        self._notes.unlink(missing_ok=True)
        self._acknowledged += notes.acknowledged
        self.tally.refused += notes.lines.count(None)
        self.tally.acknowledged += len(notes.acknowledged)
        self.tally.kills[doing] += 1
        self.tally.rounds += 1
        if self._acknowledged or self._begun():
            compare(self._log, self._acknowledged)

    def _begun(self) -> bool:
        """Whether a checkpoint was written; a process that is killed before leaves none."""
        if not schema.was_begun(self._log):
            return False
        with schema.snapshot(self._log) as connection:
            return tree_rows.newest_note(connection) is not None

    def _wait(self, chance: random.Random) -> str:
        """Wait for the round's moment; returns what the process does then."""
        if chance.random() < EARLY:
            time.sleep(chance.random() * EARLY_S)
            return "opening"
        self._until("ack")
        if self._faults and chance.random() < 1 / FAULT_EVERY:
            fault = chance.choice(faults.FAULTS)
            self._refuse(fault, chance)
            time.sleep(chance.random() * LATEST_S / 4)
            return f"after {fault}"
        time.sleep(chance.random() * LATEST_S)
        return "appending"

    def _refuse(self, fault: str, chance: random.Random) -> None:
        """Let the disk refuse for a while: nothing is acknowledged then, and again afterwards."""
        time.sleep(chance.random() * LATEST_S / 4)
        faults.inject(fault)
        self._until("refused")
        time.sleep(chance.random() * LATEST_S / 8)
        noted = Notes.read(self._notes).lines
        faults.mend()
        later = noted[noted.index(None) :]
        require(not any(later), f"{fault}: acknowledged while the disk refused")
        self._until("ack", len(noted))

    def _until(self, word: str, after: int = 0) -> None:
        """Wait until the process has noted the word beyond the first ``after`` lines."""
        patience = time.monotonic() + PATIENCE_S
        while time.monotonic() < patience:
            lines = self._notes.read_text().split("\n")[after:-1] if self._notes.exists() else []
            if any(line.startswith((word, "closed")) for line in lines):
                return
            time.sleep(0.002)
        raise CrashTestFailed(f"no {word} within {PATIENCE_S:.0f} s")

    def _next_log(self) -> None:
        self.tally.leaves += compare(self._log, self._acknowledged) if self._begun() else 0
        self.tally.keys += keys_so_far(self._log)
        self.tally.logs += 1
        self._state.write_text(json.dumps(vars(self.tally)))
        self._clear()

    def _clear(self) -> None:
        for file in (*self._folder.glob("*.db*"), self._notes):
            file.unlink(missing_ok=True)
        self._acknowledged = []


def table(tally: Tally) -> str:
    """What was done, for people."""
    rows = [(f"killed: {doing}", n) for doing, n in sorted(tally.kills.items())]
    rows += [
        ("kills in all", tally.rounds),
        ("receipts acknowledged, each with its leaf, once", tally.acknowledged),
        ("entries refused while a disk refused", tally.refused),
        ("leaves in the logs", tally.leaves),
        ("logs, each clean after every kill", tally.logs),
        ("keys that signed them", tally.keys),
        ("seconds", round(tally.seconds)),
    ]
    return "".join(f"{name:50}{n:>10}\n" for name, n in rows)


def _kill_whole_nodes(kills: int, seed: int, told: Path | None) -> None:
    from tests.scenarios import killing  # which brings whole nodes with it

    done = asyncio.run(killing.run(kills, seed))
    sys.stdout.write("".join(f"{name:50}{n:>10}\n" for name, n in sorted(done.items())))
    if told:
        told.write_text(json.dumps({"seed": seed, **done}, indent=2) + "\n")


def main() -> None:
    """Run, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--whole-node", action="store_true", help="kill nodes that serve")
    parser.add_argument("--kills", type=int, help="2,000 of the log, or 200 of whole nodes")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))  # noqa: S311 - as above
    parser.add_argument("--folder", type=Path, help="where the run lies, to go on with it later")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    if options.whole_node:
        _kill_whole_nodes(options.kills or 200, options.seed, options.json)
        return
    options.kills = options.kills or 2_000
    with tempfile.TemporaryDirectory() as made:
        folder = options.folder or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        if faults.POSSIBLE and faults.FLAG not in os.environ:  # from its start, or not at all
            again = [sys.executable, "-m", "tests.node.audit.crash", "--seed", str(options.seed)]
            again += ["--kills", str(options.kills), "--folder", str(folder)]
            again += ["--json", str(options.json)] if options.json else []
            library = {**os.environ, **faults.environment(folder)}
            sys.exit(subprocess.run(again, env=library).returncode)
        rounds = Rounds(folder, options.seed, with_faults=faults.POSSIBLE)
        sys.stdout.write(f"seed {rounds.tally.seed}, in {folder}\n")
        sys.stdout.flush()
        rounds.run(options.kills)
        sys.stdout.write(table(rounds.tally))
        if options.json:
            options.json.write_text(json.dumps(vars(rounds.tally), indent=2) + "\n")


if __name__ == "__main__":
    main()
