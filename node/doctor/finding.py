"""What a check found: a stable code, how bad it is, the cause, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

Level = Literal["problem", "warning", "note"]


class Finding(BaseModel):
    """One thing that is not as it should be.

    `problem`: the node does not do, or soon will not do, what it is for. `warning`: it works, and
    somebody should look. `note`: nothing is wrong; it says how the node is set up.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    level: Level
    cause: str
    fix: str


class Diagnosis(BaseModel):
    """All findings, the worst first, and the names of the checks that were made."""

    findings: tuple[Finding, ...]
    checked: tuple[str, ...]

    @property
    def healthy(self) -> bool:
        """Whether there is no problem; warnings and notes do not count."""
        return all(finding.level != "problem" for finding in self.findings)


def problem(code: str, cause: str, fix: str) -> Finding:
    """Something that must be mended."""
    return Finding(code=code, level="problem", cause=cause, fix=fix)


def warning(code: str, cause: str, fix: str) -> Finding:
    """Something that somebody should look at."""
    return Finding(code=code, level="warning", cause=cause, fix=fix)


def note(code: str, cause: str, fix: str) -> Finding:
    """Something worth knowing when the rest is read; `fix` says where it is set."""
    return Finding(code=code, level="note", cause=cause, fix=fix)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Problems first, then warnings, then notes; within a level by code; each once."""
    levels = get_args(Level)
    once = dict.fromkeys(findings)  # one fault can stand in the way of several checks
    return tuple(sorted(once, key=lambda each: (levels.index(each.level), each.code)))
