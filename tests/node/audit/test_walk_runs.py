"""Runs of a long log are confirmed at once, and what is wrong in them is named all the same."""

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from keys.signer import SeedSigner
from node.audit.signature_pool import SignaturePool
from node.audit.walk_runs import RUN
from protocol.merkle import position
from tests.node.audit.crash import ROOT
from tests.node.audit.entries import event, opened
from tests.node.audit.tampering import examined, kinds, tamper

LEAVES = 2 * RUN + 300


@pytest.fixture(scope="module")
def long_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "log.db"

    async def write() -> None:
        async with opened(path) as log:
            await asyncio.gather(*(log.submit(event(str(n))) for n in range(LEAVES)))

    asyncio.run(write())
    return path


def test_a_whole_log_leads_to_its_signed_root(long_log: Path) -> None:
    result = examined(long_log)
    assert not result.findings
    assert (result.size, result.checkpoints > LEAVES // 256) == (LEAVES, True)


AT = RUN + 17  # inside of the second run


@pytest.mark.parametrize(
    ("statement", "place", "found"),
    [
        ("UPDATE leaves SET data = zeroblob(9) WHERE idx = ?", AT, "leaf-changed"),
        ("DELETE FROM leaves WHERE idx = ?", AT, "leaf-missing"),
        ("UPDATE facts SET at = at + 1 WHERE idx = ?", AT, "facts-differ"),
        ("UPDATE facts SET peer = 'a.example' WHERE idx = ?", AT, "facts-differ"),
        ("UPDATE facts SET type = 'key' WHERE idx = ?", AT, "facts-differ"),
        ("DELETE FROM facts WHERE idx = ?", AT, "facts-differ"),
        (
            "UPDATE nodes SET hash = zeroblob(32) WHERE position = ?",
            position(0, AT),
            "leaf-changed",
        ),
        ("DELETE FROM nodes WHERE position = ?", position(3, RUN >> 3), "node-missing"),
        (
            "UPDATE nodes SET hash = zeroblob(32) WHERE position = ?",
            position(11, 0),
            "node-changed",
        ),
        ("INSERT INTO nodes VALUES (?, zeroblob(32))", -1, "node-extra"),
        ("INSERT INTO nodes VALUES (?, zeroblob(32))", 1_000_000, "node-extra"),
        (
            "UPDATE checkpoints SET note = x'00' WHERE size > ? AND size < 2000",
            AT,
            "checkpoint-invalid",
        ),
        (
            "UPDATE checkpoints SET note = (SELECT note FROM checkpoints WHERE size = ?)"
            " WHERE size = 2048",
            LEAVES,
            "checkpoint-differs",
        ),
        (
            "INSERT INTO checkpoints SELECT -5, note FROM checkpoints WHERE size = ?",
            LEAVES,
            "checkpoint-differs",
        ),
    ],
)
def test_damage_inside_of_a_run_is_named(
    long_log: Path, tmp_path: Path, statement: str, place: int, found: str
) -> None:
    path = tmp_path / "log.db"
    shutil.copy(long_log, path)
    tamper(path, statement, values=(place,))
    assert found in kinds(path)


def test_other_processes_check_signatures_in_the_order_given() -> None:
    signer = SeedSigner.from_seed(bytes(32))
    signed = [(signer.public, signer.sign(b"%d" % n), b"%d" % (n // 3 * 3)) for n in range(12)]
    script = (
        "import sys; from node.audit.signature_pool import SignaturePool\n"
        "if __name__ == '__main__':\n"
        "    signed = eval(sys.stdin.read())\n"
        "    pool = SignaturePool(workers=2, alone=1)\n"
        "    for n in range(0, 12, 4): pool.give(signed[n : n + 4])\n"
        "    print([one for _ in range(3) for one in pool.take()]); pool.close()\n"
    )
    expected = [n % 3 == 0 for n in range(12)]
    here = SignaturePool(workers=1, alone=0)
    here.give(signed)
    assert here.take() == expected
    finished = subprocess.run(
        [sys.executable, "-c", script],
        input=repr(signed),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert finished.stdout.strip() == str(expected)
