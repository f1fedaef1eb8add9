"""Small files that somebody was given: a checkpoint, a receipt, a root document.

Rule of this file: who hands a file over chooses its size, so no more is read than one can have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.operations.errors import InvalidRequest
from node.regular_file import open_regular
from protocol.limits import MAX_ANSWER_BYTES

if TYPE_CHECKING:
    from pathlib import Path


def read_given(path: Path) -> bytes:
    """Return a file's bytes; raises OSError, and InvalidRequest for one that is too large."""
    with open_regular(path) as file:
        content = file.read(MAX_ANSWER_BYTES + 1)
    if len(content) > MAX_ANSWER_BYTES:
        raise InvalidRequest(
            f"{path} is larger than {MAX_ANSWER_BYTES} bytes; no checkpoint, receipt or root "
            "document is.",
            fix="Name the file that holds only that; a bundle is verified by itself.",
        )
    return content
