"""Does a log that succeeds another one say the truth about it?

Rule of this file: both checkpoints in the first leaf are of the log before, signed by keys of it
where the one that the leaf names is known here, and the log before, where it is kept, ends with the
first of them. How much was lost is the difference of the two, and may be more: it is what partners
hold, not what there was.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from node.audit import schema, tree_rows
from node.audit.errors import AuditError
from node.audit.findings import Findings
from node.audit.succession import predecessor_file
from protocol.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from protocol.leaf import AnyLeaf, Succeeded
from protocol.log_errors import LogMaterialError
from protocol.log_keys import LogKeys


@dataclass(frozen=True)
class Predecessor:
    """The log before: its name, the leaves that are left of it, and how many are known lost.

    ``proved``: the key that signed it is known here; ``compared``: its file was here.
    """

    origin: str
    size: int
    lost: int
    proved: bool
    compared: bool


class SuccessionCheck:
    """Looks for ``successor`` leaves."""

    def __init__(
        self, data: Path, log_keys_of: Callable[[str], LogKeys | None], findings: Findings
    ) -> None:
        """``data``: where the log lies; ``log_keys_of``: its owner's keys for a log, by origin."""
        self.found: Predecessor | None = None
        self._data, self._log_keys_of, self._findings = data, log_keys_of, findings

    def look(self, index: int, leaf: AnyLeaf) -> None:
        """Check one leaf; any other type is none of its business."""
        if not isinstance(leaf, Succeeded):
            return
        if index != 0:
            self._wrong("a log can only begin as a successor", index)
            return
        last = self._open(leaf, leaf.last)
        held = self._open(leaf, leaf.held) if leaf.held else last
        if last is None or held is None:
            return
        self.found = Predecessor(
            leaf.origin,
            last.size,
            max(0, held.size - last.size),
            self._keys(leaf) is not None,
            self._compare(leaf, last),
        )

    def _open(self, leaf: Succeeded, note: str) -> Checkpoint | None:
        keys = self._keys(leaf)
        try:
            if keys is not None:
                return open_checkpoint(note.encode(), leaf.origin, keys)
            checkpoint = parse_checkpoint(note.partition("\n\n")[0] + "\n")
        except LogMaterialError as error:
            self._wrong(f"a checkpoint of the log before is not valid: {error}", 0)
            return None
        if checkpoint.origin != leaf.origin:
            self._wrong(f"a checkpoint is of {checkpoint.origin}, not of {leaf.origin}", 0)
            return None
        return checkpoint

    def _keys(self, leaf: Succeeded) -> LogKeys | None:
        """The keys of the log before, if the one that the leaf names is among them."""
        keys = self._log_keys_of(leaf.origin)
        return keys if keys is not None and leaf.key in keys.kids else None

    def _compare(self, leaf: Succeeded, last: Checkpoint) -> bool:
        path = predecessor_file(self._data, leaf.origin)
        if not path.exists():
            return False
        try:
            with schema.snapshot(path) as connection:
                newest = tree_rows.newest_note(connection)
        except AuditError as error:
            self._wrong(f"the log before cannot be read: {error}", 0)
            return False
        kept: Checkpoint | None = None
        with suppress(LogMaterialError):
            if newest is not None:
                kept = parse_checkpoint(newest[1].decode().partition("\n\n")[0] + "\n")
        if kept is None or (kept.size, kept.root) != (last.size, last.root):
            self._wrong("the log before that is kept ends with another checkpoint", 0)
        return True

    def _wrong(self, what: str, index: int) -> None:
        self._findings.add("succession-invalid", what, index)
