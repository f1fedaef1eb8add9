"""The documents name verbs, options, settings and files that exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from node.cli.main import app
from node.reference import every_verb

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted(
    [
        ROOT / "README.md",
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("docs/adr/*.md"),
        *ROOT.glob("docker/*.md"),
    ]
)
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)]*))?\)")
HEADING = re.compile(r"^#+ +(.*?)\s*$", re.MULTILINE)
INLINE = re.compile(r"`(interlingua [^`]+)`")

VERBS = {
    path[1:]: {name for parameter in command.params for name in parameter.opts} | {"--help"}
    for path, command in every_verb(typer.main.get_command(app), ("interlingua",))
}
GROUPS = {path[:n] for path in VERBS for n in range(1, len(path))}


def command_lines(text: str) -> Iterator[str]:
    """Commands in indented or fenced code, and in backquotes, without comments and prompts."""
    for line in text.splitlines():
        command = line.strip().removeprefix("$ ").split(" #")[0]
        if command.startswith("interlingua ") and (line.startswith("    ") or "```" in text):
            yield re.split(r"[;|&]", command)[0].strip()
    yield from INLINE.findall(text)


def fault(command: str) -> str | None:
    """What is wrong with a command line, or None."""
    if re.search(r" v\d(\\n)?$", command):
        return None  # a label of the protocol, such as `interlingua safety words v1`
    words = shlex.split(command.rstrip("\\"))[1:]
    if words[0].startswith("-") or words[0].isupper() or not words[0].islower():
        return None  # speaks of the command as such
    path = next((tuple(words[:n]) for n in (3, 2) if tuple(words[:n]) in VERBS), ())
    path = path or tuple(words[: 2 if tuple(words[:1]) in GROUPS else 1])
    if path in GROUPS or (len(path) == 2 and re.search(r"[|.…]", path[1])):
        return None  # names a group
    if path not in VERBS:
        return f"no verb {' '.join(path)}"
    unknown = {word.split("=")[0] for word in words if word.startswith("-") and len(word) > 1}
    unknown -= VERBS[path]
    return f"no option {', '.join(sorted(unknown))} of {' '.join(path)}" if unknown else None


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_in_documents_exist(document: Path) -> None:
    faults = {command: fault(command) for command in command_lines(document.read_text())}
    assert {command: why for command, why in faults.items() if why} == {}


def is_there(document: Path, link: str, heading: str) -> bool:
    """Whether a link's file exists, and its heading in it."""
    path = document.parent / link if link else document
    return path.exists() and (not heading or heading in {*map(slug, headings(path))})


def headings(document: Path) -> list[str]:
    return HEADING.findall(document.read_text())


def slug(heading: str) -> str:
    """What links call a heading: lower case, no punctuation, hyphens between words."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    targets = [link for link in LINK.findall(document.read_text()) if "://" not in link[0]]
    assert [link for link in targets if not is_there(document, *link)] == []


def test_the_check_finds_what_it_is_for() -> None:
    assert fault("interlingua peer adde x") == "no verb peer adde"
    assert fault("interlingua status --jsn") == "no option --jsn of status"
    assert fault("interlingua peer approve lab.example --words 'a b'") is None


def test_every_document_is_listed() -> None:
    listed = {link for link, _ in LINK.findall((ROOT / "docs" / "README.md").read_text())}
    assert {path.name for path in ROOT.glob("docs/*.md")} - {"README.md"} <= listed


def test_the_newcomers_page_has_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text()
    assert "    make demo\n" in text
    assert "    make test\n" in text
    assert "make test" in (ROOT / ".ci" / "run").read_text()
