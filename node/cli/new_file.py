"""Files that a verb makes: for its result, and never in place of something else."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from node.operations.errors import Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Make a file, mode 0600, for what the block writes; it is gone again if the block fails.

    So a name that cannot be written is known before anything is done or logged, and no half of a
    file stays. Raises Conflict, NotFound, OSError.
    """
    from node import durable_file

    require_new(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        durable_file.flush(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def require_new(path: Path | None) -> None:
    """Refuse a name that is taken or has no folder, before anything is done or logged.

    Raises Conflict, NotFound.
    """
    if path is not None and os.path.lexists(path):
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
