"""The benchmarks still run and print their figures. How large the figures are is not asked."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE_S = 300  # a machine that is busy with other tests is slow; this is no measurement


def printed(module: str, *options: str) -> str:
    """Run a benchmark as the documents say, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_one_node_under_load_beside_bare_hnswlib(tmp_path: Path) -> None:
    sizes = ("--documents", "300", "--dimension", "64", "--asker-dimension", "48")
    world = ("--intrinsic", "8", "--clusters", "20", "--anchors", "250")
    load = ("--clients", "1,2", "--batches", "4", "--questions", "20", "--rounds", "1")
    figures = json.loads(
        printed(
            "queries",
            *sizes,
            *world,
            *load,
            "--verified",
            "20",
            "--folder",
            str(tmp_path),
            "--json",
        )
    )
    runs = {(run["route"], run["clients"], run["batch"]): run for run in figures["node"]}
    ways = ((1, 1), (2, 1), (4, 4))
    assert set(runs) == {(r, *way) for r in ("same model", "shared space") for way in ways}
    assert all(run["verified"] == 20 and run["short"] == 0 for run in runs.values())
    assert all(run["p50_ms"] <= run["p99_ms"] for run in runs.values())
    assert runs["same model", 1, 1]["recall"] > 0.9
    assert figures["bare"]["recall"] > 0.9
    assert {"single", "batched", "batched_one_thread"} < set(figures["bare"])
    assert set(figures["machine"]) >= {"processor", "cores", "python", "versions"}


def test_the_audit_log(tmp_path: Path) -> None:
    said = printed("audit_log", "--entries", "20", "--folder", str(tmp_path))
    assert said.count("entries a second") == 4
    for figure in ("inclusion proof", "bytes an entry", "fsck", "verify"):
        assert figure in said


def test_recall_of_filtered_searches() -> None:
    said = printed("filtered_recall", "--documents", "300", "--dimension", "32", "--queries", "5")
    assert said.count("anywhere") == said.count("one side") == 8
