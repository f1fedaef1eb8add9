"""docs/collections.md and docs/upgrading-models.md cannot drift: commands parse, samples hold."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from node.cli.collection import app as collection_app
from node.cli.encoder import app as encoder_app
from node.cli.main import app
from node.encoders.caller import read_envelope
from node.ingest.jsonl import parse_line
from protocol.envelope import Prompts

DOCS = Path(__file__).parents[3] / "docs"
TEXT = (DOCS / "collections.md").read_text("utf-8")
UPGRADING = (DOCS / "upgrading-models.md").read_text("utf-8")


def blocks(language: str, text: str = TEXT) -> list[str]:
    fences = re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [content for name, content in fences if name == language]


COMMANDS = [
    line
    for text in (TEXT, UPGRADING)
    for block in blocks("", text)
    for line in block.replace("\\\n", "").splitlines()
    if line.startswith("interlingua ")
] + re.findall(r"`(interlingua [^`]+)`", TEXT + UPGRADING)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_parses(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shared").mkdir()  # a folder that one command takes
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line, comments=True)[1:]
    command: Any = get_command(app)
    while hasattr(command, "get_command"):
        verb = words.pop(0)
        command = command.get_command(None, verb)
    command.make_context(verb, words)


def test_every_verb_is_described() -> None:
    for group, verbs in (("collection", collection_app), ("encoder", encoder_app)):
        for verb in get_command(verbs).commands:  # type: ignore[attr-defined]  # a group of verbs
            both = TEXT + UPGRADING
            assert f"{group} {verb}" in both or f"`{verb}`" in both, (group, verb)


def test_the_sample_document_is_accepted() -> None:
    [sample] = blocks("json")
    assert parse_line(sample.strip().encode(), "docs").labels == {"public"}


def test_the_sample_envelope_is_accepted(tmp_path: Path) -> None:
    [sample] = blocks("toml")
    (tmp_path / "e.toml").write_text(sample)
    assert read_envelope(tmp_path / "e.toml").prompts == Prompts.of()
