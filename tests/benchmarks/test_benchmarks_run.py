"""The benchmarks still run and print their figures. How large the figures are is not asked."""

import runpy
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest


def printed(module: str, *options: str) -> str:
    """Run a benchmark as `python -m benchmarks.MODULE` does, and return what it prints."""
    with pytest.MonkeyPatch.context() as patched, redirect_stdout(StringIO()) as said:
        patched.setattr(sys, "argv", [module, *options])
        runpy.run_module(f"benchmarks.{module}", run_name="__main__")
    return said.getvalue()


def test_the_audit_log(tmp_path: Path) -> None:
    said = printed("audit_log", "--entries", "20", "--folder", str(tmp_path))
    assert said.count("entries a second") == 4
    for figure in ("inclusion proof", "bytes an entry", "fsck", "verify"):
        assert figure in said


def test_recall_of_filtered_searches() -> None:
    said = printed("filtered_recall", "--documents", "300", "--dimension", "32", "--queries", "5")
    assert said.count("anywhere") == said.count("one side") == 8
