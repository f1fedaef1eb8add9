"""policy, budget and exposure on the command line: what they print, and how they end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from node.cli.main import app
from node.operations.exit_codes import ExitCode
from tests.conftest import NewNode

GRANT = 'peer = "lab.example"\ncollection = "docs"\npurposes = ["reserch"]\nlabels = ["open"]\n'
QUESTION = ("--peer", "lab.example", "--collection", "docs", "--purpose", "reserch")


def run(node: NewNode, *arguments: str, exit_code: ExitCode = ExitCode.OK) -> Any:
    """Run a verb with --json; its object, after checking how it ended."""
    done = CliRunner().invoke(app, [*arguments, "--json", "--data", str(node.path)])
    assert done.exit_code == exit_code, done.stderr
    return json.loads(done.stdout)


def applied(node: NewNode, folder: Path, text: str = GRANT) -> Any:
    (folder / "grant.toml").write_text(text)
    return run(node, "policy", "apply", str(folder / "grant.toml"))


def test_explaining_a_question_that_would_be_refused_ends_with_the_code_of_a_refusal(
    new_node: NewNode, tmp_path: Path
) -> None:
    applied(new_node, tmp_path)
    said = run(new_node, "policy", "explain", *QUESTION, exit_code=ExitCode.REFUSED)
    assert (said["allowed"], said["rule"]) == (False, "peer-state")
    assert [rule["rule"] for rule in said["rules"]][-2:] == ["filter", "queries-per-day"]
    said = run(
        new_node, "policy", "explain", *QUESTION, "--filter", "year", exit_code=ExitCode.REFUSED
    )
    assert not next(rule for rule in said["rules"] if rule["rule"] == "filter")["holds"]


def test_applying_warns_of_a_purpose_that_is_perhaps_misspelt(
    new_node: NewNode, tmp_path: Path
) -> None:
    warnings = " ".join(applied(new_node, tmp_path)["warnings"])
    assert "the purpose reserch is not one of docs/purposes.md; did you mean research?" in warnings
    text = GRANT.replace("reserch", "research") + 'granularity = "count"\n'
    warnings = " ".join(applied(new_node, tmp_path, text)["warnings"])
    assert "purposes.md" not in warnings
    assert "without a floor" in warnings


def test_budgets_and_exposure_are_shown_and_reset(new_node: NewNode, tmp_path: Path) -> None:
    applied(new_node, tmp_path)
    assert run(new_node, "budget", "show", "lab.example")["budgets"] == []  # no such collection yet
    assert run(new_node, "exposure", "show")["exposures"] == []
    assert run(new_node, "budget", "reset", "lab.example", "--collection", "docs")["leaf"] >= 0
    problem = run(new_node, "budget", "reset", "lap.example", exit_code=ExitCode.FAILED)["problem"]
    assert problem["code"] == "peer-unknown"
    for verb in (("budget", "show"), ("exposure", "show"), ("budget", "reset", "lab.example")):
        done = CliRunner().invoke(app, [*verb, "--data", str(new_node.path)])
        assert done.exit_code == 0
        assert "Next: interlingua" in done.stderr
