"""kill -9 at any moment: each acknowledged leaf is there exactly once, and the tree goes on."""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from node.audit.log_key_rows import terms_of_file
from node.audit.origin import stated_origin
from tests.node.audit import faults
from tests.node.audit.crash import ROOT
from tests.node.audit.entries import ORIGIN, event, opened
from tests.node.audit.tampering import tamper


def test_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    run, told = tmp_path / "run", tmp_path / "told.json"
    run.mkdir()
    command = [sys.executable, "-m", "tests.node.audit.crash", "--kills", "6", "--seed", "14"]
    finished = subprocess.run(
        [*command, "--folder", str(run), "--json", str(told)],
        env={**os.environ, **(faults.environment(run) if faults.POSSIBLE else {})},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert finished.returncode == 0, finished.stderr
    tally = json.loads(told.read_text())
    assert sum(tally["kills"].values()) == tally["rounds"] == 6
    assert 0 < tally["acknowledged"] <= tally["leaves"]
    assert "receipts acknowledged, each with its leaf, once" in finished.stdout


def only_in_wal_mode(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def only_tables(path: Path) -> None:
    async def made() -> None:
        async with opened(path):
            pass

    asyncio.run(made())
    tamper(path, *("DELETE FROM meta", "DELETE FROM log_keys", "DELETE FROM checkpoints"))


@pytest.mark.parametrize("left", [only_in_wal_mode, only_tables])
def test_a_log_whose_making_was_killed_is_begun_again(
    tmp_path: Path, left: Callable[[Path], None]
) -> None:
    path = tmp_path / "log.db"
    left(path)
    assert stated_origin(path, "bank.example") == ORIGIN
    assert terms_of_file(path) == ()

    async def begin() -> int:
        async with opened(path) as log:
            return (await log.append(event())).index

    assert asyncio.run(begin()) == 0
