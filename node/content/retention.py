"""Rules by age: what was kept for as long as the settings say is erased, without anybody asking.

Rule of this file: a rule that has nothing to erase writes nothing. A stored answer is kept for as
long as it may be given again, whatever the settings say; its key is then erased with the rest.
"""

import asyncio
from collections.abc import Mapping

from node.clock import Clock
from node.content.content import KINDS, Kind
from node.content.contents import Contents
from node.content.erasing import Erasures
from node.content.selection import Selection
from protocol.limits import IDEMPOTENCY_S

EVERY_S = 3_600.0
DAY_S = 86_400
LATE_S = 2 * DAY_S
"""Beyond its time by so much (seconds), a record says that the rules have not run."""


class Retention:
    """Applies the rules of one node; `days` for each kind."""

    def __init__(
        self, contents: Contents, erasures: Erasures, days: Mapping[Kind, int], clock: Clock
    ) -> None:
        self._contents, self._erasures, self._clock = contents, erasures, clock
        self._seconds = {kind: days[kind] * DAY_S for kind in KINDS}
        self._seconds["answered"] = max(self._seconds["answered"], IDEMPOTENCY_S)
        self.ran: int | None = None
        """When the rules were applied last by this process (epoch seconds, UTC)."""

    async def run(self) -> None:
        """Finish erasures that wait, and erase what is over age, each kind with a leaf."""
        if self._contents.is_begun:
            await self._erasures.finish()
            await asyncio.to_thread(self._contents.settle)
            for kind in KINDS:
                before = self._clock() - self._seconds[kind]
                if await asyncio.to_thread(self._contents.records.any_older, kind, before):
                    selection = Selection((kind,), before=before)
                    await self._erasures.erase(selection, "retention", None)
        self.ran = self._clock()

    def overdue(self) -> dict[Kind, int]:
        """Return by how much (seconds) the oldest record of each kind is over its time."""
        if not self._contents.is_begun:
            return {}
        oldest = {kind: self._contents.records.oldest(kind) for kind in KINDS}
        over = {k: self._clock() - at - self._seconds[k] for k, at in oldest.items() if at}
        return {kind: seconds for kind, seconds in over.items() if seconds > 0}
