"""The benchmarks still run and print their figures. How large the figures are is not asked."""

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


def test_the_audit_log(tmp_path: Path) -> None:
    said = printed("audit_log", "--entries", "20", "--folder", str(tmp_path))
    assert said.count("entries a second") == 4
    for figure in ("inclusion proof", "bytes an entry", "fsck", "verify"):
        assert figure in said


def test_recall_of_filtered_searches() -> None:
    said = printed("filtered_recall", "--documents", "300", "--dimension", "32", "--queries", "5")
    assert said.count("anywhere") == said.count("one side") == 8
