"""Erasing what is kept: keys deleted, files emptied, and only then a leaf that says so.

Rule of this file: `erased` is said when it is true. The keys go first, in one transaction with a
note of the erasure; from then on nobody reads the records through this node. Then the key file is
built anew and its write-ahead log emptied, for which nobody else may be reading it. Then the leaf
is appended and the note removed. Each step may be repeated, so a crash in between, or a reader in
the way, leaves an erasure that is finished later, with one leaf.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from node.audit import schema, tree_rows
from node.audit.entry import Entry
from node.audit.log import AuditLog
from node.clock import Clock
from node.content.content import KINDS
from node.content.contents import Contents
from node.content.key_store import Unfinished
from node.content.selection import Portion, Selection, portions, within
from protocol.leaf import Erased, decode_leaf, new_salt

Basis = Literal["record", "peer", "age", "subject", "retention"]

IN_THE_WAY = (
    "content_keys.db is being read by another program, so old pages stay in its write-ahead log"
)


@dataclass
class Erasure:
    """What came of it: records by kind, indexes of the leaves; `waits` says why it is not done."""

    records: Counter[str] = field(default_factory=Counter)
    leaves: list[int] = field(default_factory=list)
    waits: str | None = None


class Erasures:
    """Erases one node's content, one erasure at a time."""

    def __init__(self, contents: Contents, log: AuditLog, clock: Clock) -> None:
        self._contents, self._log, self._clock = contents, log, clock
        self._one_at_a_time = asyncio.Lock()

    async def count(self, selection: Selection) -> Counter[str]:
        """Return how many records a selection holds, by kind; nothing is changed."""
        return await asyncio.to_thread(self._count, selection)

    async def erase(self, selection: Selection, basis: Basis, by: str | None) -> Erasure:
        """Erase what is selected, with what earlier erasures left to be done.

        Raises ContentError's kinds, LogUnavailable.
        """
        async with self._one_at_a_time:
            found = await asyncio.to_thread(self._delete, selection, basis, by)
            done = await self._finish()
        return Erasure(found, done.leaves, done.waits)

    async def finish(self) -> Erasure:
        """Finish what earlier erasures left to be done; returns at once where there is nothing."""
        async with self._one_at_a_time:
            return await self._finish()

    def unfinished(self) -> int:
        """Return how many erasures are not finished; those that are applied again count as one."""
        if not self._contents.is_begun:
            return 0
        keys = self._contents.keys
        return len(keys.unfinished()) + keys.is_to_be_emptied

    def _count(self, selection: Selection) -> Counter[str]:
        total: Counter[str] = Counter()
        for portion in self._portions(selection):
            total.update(portion.records)
        return total

    def _portions(self, selection: Selection) -> Iterable[Portion]:
        if not self._contents.is_begun:
            return []
        self._contents.settle()
        rows = self._contents.records.rows(selection.kinds, selection.peer)
        return portions(rows, selection)

    def _delete(self, selection: Selection, basis: Basis, by: str | None) -> Counter[str]:
        """Delete keys and note it, then delete the records."""
        total: Counter[str] = Counter()
        for portion in self._portions(selection):
            erasure = new_salt()
            said = {
                "erasure": erasure,
                "records": dict(portion.records),
                "ranges": portion.ranges,
                "basis": basis,
                "peer": selection.peer,
                "before": selection.before,
                "by": by,
            }
            note = Unfinished(erasure, self._log.size(), json.dumps(said))
            self._contents.keys.delete(portion.slots, note)
            self._contents.records.delete(portion.slots)
            total.update(portion.records)
        return total

    async def _finish(self) -> Erasure:
        done = Erasure()
        if not self._contents.is_begun:
            return done
        unfinished = await asyncio.to_thread(self._contents.keys.unfinished)
        if not unfinished and not self._contents.keys.is_to_be_emptied:
            return done
        if not await asyncio.to_thread(self._empty, unfinished):
            done.waits = IN_THE_WAY
            return done
        if not unfinished:
            return done  # applied again: the leaf is there
        logged = await asyncio.to_thread(
            _logged_since, self._contents.files.log, unfinished[0].log_size
        )
        for each in unfinished:
            index = logged.get(each.id)
            if index is None:
                leaf = Erased.model_validate({"at": self._clock(), **json.loads(each.said)})
                index = (await self._log.append(Entry(leaf))).index
            await asyncio.to_thread(self._contents.keys.finished, each.id)
            done.leaves.append(index)
        return done

    def _empty(self, unfinished: Sequence[Unfinished]) -> bool:
        """Delete the records whose keys are gone, and what is left of the keys in their files."""
        for each in unfinished:
            said: dict[str, Any] = json.loads(each.said)
            kinds = [kind for kind in KINDS if kind in said["records"]]
            rows = self._contents.records.rows(kinds, said["peer"])
            slots = within(rows, said["ranges"])
            if slots:  # a crash came between keys and records
                self._contents.keys.delete(slots)
                self._contents.records.delete(slots)
        return self._contents.keys.compact()


def _logged_since(log_file: Path, size: int) -> dict[str, int]:
    """Erasures whose leaf is in the log already: a crash came between leaf and note."""
    with schema.snapshot(log_file) as log:
        leaves = log.execute(
            "SELECT idx FROM facts WHERE idx >= ? AND type = 'erasure'", (size,)
        ).fetchall()
        found = {}
        for (index,) in leaves:
            leaf = decode_leaf(tree_rows.leaf(log, int(index)) or b"")
            if isinstance(leaf, Erased):
                found[leaf.erasure] = int(index)
        return found
