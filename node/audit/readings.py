"""Readings of the log by tokens: each leaves an `audit-read` leaf before anything of it is shown.

Rule of this file: a reading is one holder, one purpose of reading and one filter, and where it is
about a record of the store, that record, which the leaf does not name. It lasts an hour,
and however many pages are read of it meanwhile, it leaves one leaf; a restart begins a new one.
Leaves stay for ever, so one token begins a bounded number of readings in an hour.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from node.audit.entry import Entry
from node.audit.errors import TooManyReadings
from node.operations.caller import OPERATOR
from protocol.event_leaves import AuditRead
from protocol.leaf_filter import LeafFilter

if TYPE_CHECKING:
    from node.audit.log import AuditLog
    from node.clock import Clock

READING_S = 3_600
MAX_READINGS = 4_096
"""Readings remembered at once; a further one ends the oldest, which then leaves a leaf again."""
MAX_BEGUN = 240
"""Readings that one token may begin in an hour: one each fifteen seconds."""

EVERYTHING = LeafFilter()


class Readings:
    """The readings under way, of all tokens."""

    def __init__(self, log: AuditLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._until: dict[tuple[object, ...], int] = {}
        self._begun: defaultdict[str, deque[int]] = defaultdict(deque)
        self._noting = asyncio.Lock()

    async def note(
        self,
        by: str,
        reading: str,
        count: Callable[[], tuple[int, int]],
        wanted: LeafFilter = EVERYTHING,
        leaf: int | None = None,
        case: str | None = None,
        record: str | None = None,
    ) -> None:
        """Leave a leaf unless this reading is under way; ``count`` gives (size, leaves that pass).

        ``leaf``: the one leaf that it is about; ``case``: under which matter; ``record``: what
        it is about, which is not logged. ``count`` runs in a thread. Whoever owns the data
        directory (`operator`) may begin as many as it likes.

        Raises LogUnavailable or TooManyReadings; then nothing may be shown.
        """
        which = (by, reading, wanted, leaf, case, record)
        async with self._noting:
            at = self._clock()
            if self._until.get(which, 0) > at:
                return
            if by != OPERATOR:
                self._count(by, at)
            size, passing = await asyncio.to_thread(count)
            told = wanted if wanted != EVERYTHING else None
            read = AuditRead(
                at=at,
                by=by,
                reading=reading,
                filter=told,
                leaf=leaf,
                case=case,
                size=size,
                count=passing,
            )
            await self._log.append(Entry(read))
            self._until.pop(which, None)  # so that dict order is the order of beginning
            self._until[which] = at + READING_S
            if len(self._until) > MAX_READINGS:
                del self._until[next(iter(self._until))]

    def _count(self, by: str, at: int) -> None:
        """Count a reading that begins; TooManyReadings where the hour has had enough of them."""
        begun = self._begun[by]
        while begun and begun[0] <= at - READING_S:
            begun.popleft()
        if len(begun) >= MAX_BEGUN:
            raise TooManyReadings(
                f"The token {by} began {MAX_BEGUN} readings within the hour, and each leaves a "
                "leaf for ever."
            )
        begun.append(at)
