"""A reader of Dockerfiles that knows as much as the tests ask: stages and their instructions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Stage:
    """One build stage: its name, what it starts from, and (instruction, argument) in order."""

    name: str
    base: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, instruction: str) -> list[str]:
        """Arguments of every instruction of that kind."""
        return [argument for kind, argument in self.instructions if kind == instruction]


@dataclass
class Dockerfile:
    """The arguments before the first stage, and the stages by name."""

    arguments: dict[str, str]
    stages: dict[str, Stage]


def read(path: Path) -> Dockerfile:
    """Read a Dockerfile; a line that is no instruction is an error."""
    text = re.sub(r"\\\n\s*", " ", path.read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    arguments: dict[str, str] = {}
    stages: dict[str, Stage] = {}
    current: Stage | None = None
    for line in lines:
        matched = re.fullmatch(r"([A-Z]+)\s+(.*)", line)
        assert matched is not None, line
        kind, argument = matched[1], matched[2].strip()
        if kind == "FROM":
            base, _, name = argument.partition(" AS ")
            current = stages[name] = Stage(name, base)
        elif current is None:
            assert kind == "ARG", line
            name, _, value = argument.partition("=")
            arguments[name] = value
        else:
            current.instructions.append((kind, argument))
    return Dockerfile(arguments, stages)
