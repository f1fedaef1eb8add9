"""Files that a verb makes: for its result, and never in place of something else."""

from __future__ import annotations

from pathlib import Path

from node.operations.errors import Conflict, NotFound


def require_new(path: Path | None) -> None:
    """Refuse a name that is taken or has no folder, before anything is done or logged.

    Raises Conflict, NotFound.
    """
    if path is not None and path.exists():
        raise Conflict(
            f"{path} exists already, and nothing is overwritten.",
            fix="Name another file, or remove this one first.",
            code="file-exists",
        )
    if path is not None and not path.absolute().parent.is_dir():
        raise NotFound(
            f"There is no folder {path.absolute().parent}.",
            fix="Make it first, or name a file in another one.",
            code="folder-missing",
        )
