"""Every verb shows how it is typed, and what it shows is a command line that it takes."""

from __future__ import annotations

import shlex
import subprocess
import sys
from typing import Any

import pytest
import typer

from node.cli.examples import EXAMPLES, command_lines
from node.cli.main import app
from node.reference import every_verb

VERBS: dict[str, Any] = {
    " ".join(path[1:]): command
    for path, command in every_verb(typer.main.get_command(app), ("interlingua",))
}


def test_every_verb_has_an_example_and_no_other_has() -> None:
    assert EXAMPLES.keys() == VERBS.keys()


@pytest.mark.parametrize(
    ("verb", "line"), [(verb, line) for verb in EXAMPLES for line in command_lines(verb)]
)
def test_every_example_is_a_command_line_that_its_verb_takes(verb: str, line: str) -> None:
    command = VERBS[verb]
    words = shlex.split(line)[1 + len(verb.split()) :]
    context = command.make_context(verb, [], resilient_parsing=True)
    given, left, _ = command.make_parser(context).parse_args(words)
    assert left == []
    missing = [
        each.name
        for each in command.params
        if each.required and given.get(each.name) in (None, (), [])
    ]
    assert missing == []


def test_examples_stand_below_the_help_as_they_are_typed() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "node.cli.main", "peer", "invite", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "100", "TERM": "dumb"},
    ).stdout
    assert shown.index("Options") < shown.index("Examples:")
    for line in command_lines("peer invite"):
        assert line in shown
