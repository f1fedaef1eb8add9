"""docs/collections.md cannot drift: its commands parse, its samples are accepted."""

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from node.cli.collection import app as collection_app
from node.cli.encoder import app as encoder_app
from node.encoders.caller import read_envelope
from node.ingest.jsonl import parse_line
from protocol.envelope import Prompts

TEXT = (Path(__file__).parents[3] / "docs" / "collections.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    fences = re.findall(r"^```(\w*)\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    return [content for name, content in fences if name == language]


COMMANDS = [
    line
    for block in blocks("")
    for line in block.replace("\\\n", "").splitlines()
    if line.startswith("interlingua ")
] + re.findall(r"`(interlingua [^`]+)`", TEXT)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_parses(line: str) -> None:
    _, group, verb, *arguments = shlex.split(line, comments=True)
    apps = {"collection": collection_app, "encoder": encoder_app}
    command = get_command(apps[group]).get_command(None, verb)  # type: ignore[attr-defined]  # a group of verbs
    command.make_context(verb, arguments)


def test_every_verb_is_described() -> None:
    for group, app in (("collection", collection_app), ("encoder", encoder_app)):
        for verb in get_command(app).commands:  # type: ignore[attr-defined]  # a group of verbs
            assert f"{group} {verb}" in TEXT or f"`{verb}`" in TEXT, (group, verb)


def test_the_sample_document_is_accepted() -> None:
    [sample] = blocks("json")
    assert parse_line(sample.strip().encode(), "docs").labels == {"public"}


def test_the_sample_envelope_is_accepted(tmp_path: Path) -> None:
    [sample] = blocks("toml")
    (tmp_path / "e.toml").write_text(sample)
    assert read_envelope(tmp_path / "e.toml").prompts == Prompts.of()
