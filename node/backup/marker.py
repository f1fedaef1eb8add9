"""`restored.json`: the mark of a node that may not answer, ask or log before it is settled.

The rule of this file: the mark is there before the restored directory is, and is removed as the
last step of settling. While it is there and not `settled` the log refuses to open (`Node.log`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from node import durable_file
from node.backup.errors import NotSettled
from protocol.notation import KeyId, NoteText, Organisation

if TYPE_CHECKING:
    from pathlib import Path


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Succession(_Strict):
    """The log that will be opened in place of the one that was lost in part.

    `origin` and `kid` are the new log's name and key, `before` and `before_kid` those of the log
    that is given up; `last` is its last own checkpoint, `held` the largest that a partner
    (`held_by`) holds.
    """

    origin: str
    kid: KeyId
    before: str
    before_kid: KeyId
    last: NoteText
    held: NoteText | None = None
    held_by: Organisation | None = None


class Mark(_Strict):
    """Why a node is not settled; times are epoch seconds UTC.

    `reason`: it was restored, or it found at work that partners hold more of it than it has.
    `manifest` is the digest of the backup's manifest. `without` are partners that a person decided
    to go on without, `behind` those that have shown that they hold more, which cannot be decided
    away; `succession` is the log to be opened, where the old one is given up.
    `settled`: nothing is missing any more but the leaves that say how it was settled.
    """

    v: Literal[1] = 1
    reason: Literal["restored", "found-behind"]
    at: int
    made_at: int | None = None
    manifest: str | None = None
    without: Annotated[tuple[Organisation, ...], Field(strict=False)] = ()
    behind: Annotated[tuple[Organisation, ...], Field(strict=False)] = ()
    succession: Succession | None = None
    settled: bool = False


def read_mark(path: Path) -> Mark | None:
    """Return the mark, None where the node is settled; NotSettled where it cannot be read."""
    try:
        return Mark.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError:
        raise NotSettled(
            f"{path} is damaged, so it is not known what this node must settle.",
            fix="Restore the backup again into a new directory.",
        ) from None


def holds_log(path: Path) -> bool:
    """Whether nothing may be logged yet; raises NotSettled as `read_mark`."""
    mark = read_mark(path)
    return mark is not None and not mark.settled


def write_mark(path: Path, mark: Mark) -> None:
    """Put the mark there, durably."""
    durable_file.replace(path, mark.model_dump_json(indent=1).encode())
