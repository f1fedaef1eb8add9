"""Files that a verb makes: for its result, and never in place of something else."""

from __future__ import annotations

from pathlib import Path

from node.operations.errors import Conflict


def require_new(path: Path | None) -> None:
    """Refuse a name that is taken, before anything is done; raises Conflict."""
    if path is not None and path.exists():
        raise Conflict(
            f"{path} exists already, and nothing is overwritten.",
            fix="Name another file, or remove this one first.",
            code="file-exists",
        )
