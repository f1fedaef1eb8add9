"""Files that a verb is given to verify: whole ones.

Rule of this file: a pipe cannot be read twice, and a device may have no end; part of either could
be taken for a file that was cut off.
"""

from __future__ import annotations

from pathlib import Path

import typer


def only_files(given: Path | list[Path] | None) -> Path | list[Path] | None:
    """Refuse what is no regular file; a `callback` of an option or argument."""
    for path in [given] if isinstance(given, Path) else given or ():
        if not path.is_file():
            raise typer.BadParameter(f"{path} is a pipe or device; write it to a file first")
    return given
