"""Figures that were taken, on file, so that a run that was cut off goes on where it was.

The rule of this file: a figure is named by what was measured and by everything that it was measured
with. With anything else it is another figure, so two plans share what they have alike, and neither
is ever given what the other measured differently.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


@dataclass(frozen=True)
class Kept:
    """The figures in a folder, one file each."""

    folder: Path

    def figure(self, name: str, given: Mapping[str, Any], measure: Callable[[], Any]) -> Any:
        """Return a figure, any JSON value: what was measured before, or what `measure` gives now.

        `name` may have slashes; `given` is what it depends on besides the code.
        """
        path = self._path(name, given)
        if not path.exists():
            began, at = time.perf_counter(), time.time()
            figure = measure()
            took = time.perf_counter() - began
            said = {"given": given, "at": int(at), "took_s": took, "load": os.getloadavg()[0]}
            self._write(path, {**said, "revision": revision(), "figure": figure})
        return json.loads(path.read_text())["figure"]

    def has(self, name: str, given: Mapping[str, Any]) -> bool:
        """Whether it was measured before."""
        return self._path(name, given).exists()

    def forget(self, names: Iterable[str]) -> None:
        """Measure anew what is called so and what stands below it."""
        for name in names:
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def revisions(self) -> list[str]:
        """The revisions of the code that the figures come from."""
        found = (json.loads(path.read_text())["revision"] for path in self.folder.rglob("*.json"))
        return sorted(set(found))

    def _path(self, name: str, given: Mapping[str, Any]) -> Path:
        whole = json.dumps(given, sort_keys=True).encode()
        return self.folder / name / f"{hashlib.sha256(whole).hexdigest()[:12]}.json"

    def _write(self, path: Path, said: dict[str, Any]) -> None:
        """Whole or not at all: a run may be cut off at any moment."""
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".part")
        beside.write_text(json.dumps(said) + "\n")
        beside.replace(path)


def revision() -> str:
    """The commit that is checked out, with a `+` where files differ; empty outside of git."""
    try:
        at = _git("rev-parse", "--short=12", "HEAD")
        return at + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def _git(*words: str) -> str:
    done = subprocess.run(
        ["git", *words],  # noqa: S607 - git is where the machine has it
        cwd=Path(__file__).parent,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()
