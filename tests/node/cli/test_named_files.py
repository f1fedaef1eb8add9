"""One rule for files that a command line names: missing is usage, and nothing is overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from node.cli.main import app
from node.operations.exit_codes import ExitCode
from tests.conftest import NewNode

runner = CliRunner()


@pytest.mark.parametrize(
    "line",
    [
        ("audit", "verify", "--log", "MISSING"),
        ("audit", "fsck", "--log", "MISSING"),
        ("audit", "verify", "--receipt", "MISSING", "--log-key", "a+b+c"),
        ("restore", "MISSING"),
        ("anchors", "import", "MISSING", "--name", "texts"),
        ("collection", "ingest", "docs", "MISSING"),
        ("key", "root", "sign", "MISSING", "--key", "MISSING"),
        ("key", "root", "import", "MISSING"),
        ("peer", "request", "MISSING"),
        ("peer", "receive", "MISSING"),
        ("policy", "apply", "MISSING"),
        ("query", "--vectors", "MISSING", "--purpose", "research"),
        ("space", "join", "MISSING"),
        ("evaluate", "MISSING", "--anchors", "MISSING", "--encoder", "a", "--encoder", "b"),
        ("adapter", "compare", "MISSING", "MISSING", "--anchors", __file__),
    ],
)
def test_a_file_that_is_not_there_is_a_wrong_command_line(
    tmp_path: Path, line: tuple[str, ...]
) -> None:
    missing = str(tmp_path / "missing")
    words = [missing if word == "MISSING" else word for word in line]
    done = runner.invoke(app, [*words, "--data", str(tmp_path)], standalone_mode=False)
    if done.exception is not None and hasattr(done.exception, "format_message"):
        told = done.exception.format_message()
    else:
        assert done.return_value == ExitCode.USAGE or done.exit_code == ExitCode.USAGE
        told = done.stderr
    assert missing in told


def test_an_invitation_that_was_not_copied_whole_is_a_wrong_command_line(tmp_path: Path) -> None:
    words = ["peer", "request", "nterlingua-invite:" + 40 * "eyJleHBpcmVz", "--data", str(tmp_path)]
    done = runner.invoke(app, words)
    told = done.stderr
    assert done.exit_code == ExitCode.USAGE
    assert "no invitation: that begins interlingua-invite:" in told
    assert "eyJleHBpcmVz" not in told  # whoever has it may answer it


@pytest.mark.parametrize("verb", [("invite",), ("request", "INVITATION")])
def test_what_stands_under_the_name_of_a_new_file_stays(
    new_node: NewNode, tmp_path: Path, verb: tuple[str, ...]
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    data = ["--json", "--data", str(new_node.path)]
    made = json.loads(runner.invoke(app, ["peer", "invite", *data]).stdout)
    words = [made["text"] if word == "INVITATION" else word for word in verb]
    done = runner.invoke(app, ["peer", *words, "--output", str(taken), *data])
    assert done.exit_code == ExitCode.FAILED
    assert json.loads(done.stdout)["problem"]["code"] == "file-exists"
    assert taken.read_text() == "mine"
    listed = json.loads(runner.invoke(app, ["peer", "invitations", *data]).stdout)
    assert len(listed["invitations"]) == 1
