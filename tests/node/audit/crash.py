"""Kill the appender again and again, and compare what it acknowledged with what the log holds.

``python -m tests.node.audit.crash KILLS`` runs it for as long as it takes; the test runs a few.
"""

import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from node.audit import schema, tree_rows
from node.audit.fsck import fsck
from node.operations.registry import silent
from protocol.merkle import consistency_proof, leaf_hash, root, verify_consistency

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Acknowledged:
    """One receipt that the process gave out before it died."""

    index: int
    leaf: str
    size: int
    root: str


def kill_once(path: Path, seed: int, delay_s: float) -> list[Acknowledged]:
    """Run the appender, kill it ``delay_s`` after its first receipt, return all its receipts."""
    command = [sys.executable, "-m", "tests.node.audit.appender", str(path), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as child:
        assert child.stdout is not None
        first = child.stdout.readline()
        time.sleep(delay_s)
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read()
    lines = (first + rest).split(b"\n")[:-1]  # what follows the last newline was not finished
    return [
        Acknowledged(int(index), leaf.decode(), int(size), head.decode())
        for index, leaf, size, head in (line.split() for line in lines)
    ]


def compare(path: Path, acknowledged: list[Acknowledged]) -> int:
    """Assert that the log holds each acknowledged leaf exactly once and extends each checkpoint.

    Returns the log's size.
    """
    examined = fsck(path, silent)
    assert not examined.findings, examined.findings.listed
    with schema.snapshot(path) as connection:
        rows = connection.execute("SELECT idx, data FROM leaves")
        stored = {int(index): leaf_hash(bytes(data)).hex() for index, data in rows}
        hash_at = tree_rows.hash_reader(connection)
        size = tree_rows.size(connection)
        whole = root(size, hash_at)
        assert len(set(stored.values())) == size
        assert len({one.index for one in acknowledged}) == len(acknowledged)
        for one in acknowledged:
            assert stored[one.index] == one.leaf
        for old, head in {(one.size, one.root) for one in acknowledged}:
            proof = consistency_proof(old, size, hash_at)
            verify_consistency(old, size, bytes.fromhex(head), whole, proof)
        charged = connection.execute("SELECT sum(n) FROM queries").fetchone()[0]
        counted = connection.execute("SELECT sum(n) FROM exposures").fetchone()[0]
        nonces = connection.execute("SELECT count(*) FROM nonces").fetchone()[0]
        probes = connection.execute("SELECT count(*) FROM probes").fetchone()[0]
        assert charged == nonces == probes == size
        assert counted == 2 * size  # the appender tells of two records with each answer
        told = connection.execute("SELECT document / 50, sum(n) FROM exposures GROUP BY 1")
        assert all(n == size for _, n in told)
    return size


def crash(path: Path, kills: int, longest_s: float) -> tuple[int, int]:
    """Kill ``kills`` times at random moments; returns (acknowledged, leaves in the log)."""
    acknowledged: list[Acknowledged] = []
    size = 0
    for seed in range(kills):
        acknowledged += kill_once(path, seed, random.random() * longest_s)  # noqa: S311 - a moment
        size = compare(path, acknowledged)
    return len(acknowledged), size


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        told, held = crash(Path(folder) / "log.db", int(sys.argv[1]), 0.5)
        sys.stdout.write(f"{sys.argv[1]} kills: {told} receipts acknowledged, {held} leaves held\n")
