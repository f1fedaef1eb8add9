"""The demo itself, small, as a user runs it: its outcome, what crossed, what it leaves behind.

One test, because it takes a while and the parallel runner would share out several.
"""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from examples.three_organisations.organisations import ORGANISATIONS
from examples.three_organisations.questions import QUESTIONS
from tests.scenarios.leaks import Private, find

NAMES = {organisation.name for organisation in ORGANISATIONS}
SMALL = ("--documents", "150", "--anchors", "400")


@dataclass
class Kept:
    """A demo that has ended and goes on serving, its report, and what its nodes hold."""

    process: subprocess.Popen[str]
    folder: Path
    recorded: Path
    report: dict[str, Any]
    private: Private
    said: Path


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    place = tmp_path
    folder, recorded = place / "work", place / "recorded"
    with (place / "said.txt").open("w+") as said:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "examples.three_organisations", "--keep", "--json"),
                *("--folder", str(folder), "--record", str(recorded), *SMALL),
            ],
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            said.seek(0)
            assert line, said.read()[-3000:]
            yield Kept(
                process, folder, recorded, json.loads(line), held(folder), place / "said.txt"
            )
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=120)
            assert process.stdout is not None
            process.stdout.close()
    assert not folder.exists()


def held(folder: Path) -> Private:
    """What the three nodes' stores hold."""
    texts, ids, rows = [], [], []
    for organisation in ORGANISATIONS:
        store = f"file:{folder / organisation.short / 'store.db'}?mode=ro"
        with closing(sqlite3.connect(store, uri=True)) as database:
            for name, text in database.execute("SELECT external_id, text FROM documents"):
                ids.append(name)
                texts.append(text)
            rows.append([blob for (blob,) in database.execute("SELECT vector FROM chunks")])
    width = max(len(blob) for blobs in rows for blob in blobs) // 4
    vectors = np.zeros((sum(map(len, rows)), width), np.float32)
    for place, blob in enumerate(blob for blobs in rows for blob in blobs):
        found = np.frombuffer(blob, "<f4")
        vectors[place, : len(found)] = found
    asked = tuple(question.text for question in QUESTIONS)
    return Private(tuple(texts), tuple(ids), (), vectors, asked)


def test_the_demo_does_what_it_says_and_nothing_private_crosses(kept: Kept) -> None:
    every_question_is_answered_by_everybody(kept)
    the_routes_of_all_pairs_were_measured(kept)
    a_reference_was_resolved_by_its_owner(kept)
    a_purpose_that_no_grant_names_was_refused(kept)
    all_logs_and_receipts_were_verified(kept)
    the_nodes_go_on_serving(kept)
    nothing_private_crossed(kept)


def every_question_is_answered_by_everybody(kept: Kept) -> None:
    assert len(kept.report["questions"]) >= 5
    for asked in kept.report["questions"]:
        assert {silo["organisation"] for silo in asked["silos"]} == NAMES
        assert {silo["state"] for silo in asked["silos"]} == {"ok"}
        places = [result["place"] for result in asked["results"]]
        assert places == list(range(1, len(places) + 1))
        for result in asked["results"]:
            foreign = result["organisation"] != asked["asker"]
            assert bool(result["reference"]) == foreign
            assert bool(result["overlap"]) == foreign


def the_routes_of_all_pairs_were_measured(kept: Kept) -> None:
    pairs = {
        (row["asker"], row["responder"])
        for space in kept.report["spaces"].values()
        for row in space["routes"]
    }
    assert pairs == {(one, other) for one in NAMES for other in NAMES - {one}}


def a_reference_was_resolved_by_its_owner(kept: Kept) -> None:
    assert len(kept.report["resolved"]) == len(QUESTIONS)
    assert {record["external_id"] for record in kept.report["resolved"]} <= set(kept.private.ids)


def a_purpose_that_no_grant_names_was_refused(kept: Kept) -> None:
    refused = kept.report["refused"]["silo"]
    assert (refused["state"], refused["code"]) == ("denied", "not-granted")


def all_logs_and_receipts_were_verified(kept: Kept) -> None:
    assert set(kept.report["logs"]) == NAMES
    for log in kept.report["logs"].values():
        assert log["whole"]
        assert log["receipts_proved"] == log["receipts_named"] > 0
        assert log["requests_bound"] == log["requests"] > 0
    assert kept.report["receipt"]["type"] == "answered"


def the_nodes_go_on_serving(kept: Kept) -> None:
    """Healthy, and asked by the printed command with its token."""
    until = time.monotonic() + 120
    while kept.said.read_text().count("$ curl") < len(NAMES) and time.monotonic() < until:
        time.sleep(0.2)
    printed = [line for line in kept.said.read_text().splitlines() if "$ curl" in line]
    assert len(printed) == len(NAMES)
    for line in printed if shutil.which("curl") else []:
        command = shlex.split(line.partition("$ ")[2])
        answer = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        assert {silo["state"] for silo in answer["silos"]} == {"ok"}
    for listeners in kept.report["nodes"].values():
        url = listeners["admin"]["url"] + "/healthz"
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  # our own node
            assert answer.status == 200


def nothing_private_crossed(kept: Kept) -> None:
    """Texts, ids, vectors of all three, in all that was said between their nodes."""
    crossed = {path.name: path.read_bytes() for path in sorted(kept.recorded.iterdir())}
    assert sum(map(len, crossed.values())) > 100_000
    assert len([name for name in crossed if name.endswith(".from-node")]) >= 6
    assert find(crossed, kept.private) == []
