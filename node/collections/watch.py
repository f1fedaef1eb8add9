"""Whether serving versions still find what they found: golden questions, asked again and again.

The rule of this file: a version is compared with itself, question by question, on what it reached
when it was judged before it took over (or else when the watch first asked it). So a version that
was forced is not held against its former one, and no other version's model is needed to see a loss.
Questions of which a right document has been deleted are left out. The former version is asked the
same only where there is a loss: whether going back would help.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import structlog

from adapters.metrics import Estimate, paired_difference
from node.collections.collection import Collection
from node.collections.finding import natively
from node.collections.judging import GATED, by_mark, rankings
from node.collections.standing import Standing
from node.collections.version import Version
from node.encoders.errors import EncoderChanged, EncoderError
from node.encoders.live import LOOK_EVERY_S
from node.evaluate.measures import per_question
from node.store import golden_rows
from node.store.golden_rows import Golden, Measured
from node.store.store import Store

LEAST = 10
"""Fewer questions raise no alarm: one of them alone could."""

NOTE_EVERY_S = 86_400
"""How often figures that stay the same are kept."""

_log = structlog.get_logger("watch")


@dataclass(frozen=True, slots=True)
class Bars:
    """What the watch asks and what it alarms at; see the settings of `versions`."""

    sample: int
    drop: float
    far: float


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a collection found.

    `now` is mean nDCG@10 on `questions` canaries, None where none could be asked; `change` its
    paired difference from before. `refused` is what the encoder says that has become another.
    `better`: the former version, where it answers and finds more than this one. `wrong`: each bar
    that is crossed, in words; `lost`: those of them for which a way back is taken.
    """

    standing: Standing
    questions: int
    now: float | None
    change: Estimate | None
    refused: str | None
    far: float | None
    better: Version | None
    lost: tuple[str, ...]
    wrong: tuple[str, ...]


class Watch:
    """The last look at each collection, by name."""

    def __init__(self, store: Store, bars: Bars, clock: Callable[[], int]) -> None:
        """Nothing was looked at yet."""
        self._store = store
        self._bars = bars
        self._clock = clock
        self._seen: dict[str, Look] = {}

    def last(self, collection: Collection) -> Look | None:
        """Return the last look at the version that serves now, None where there was none."""
        look = self._seen.get(collection.name)
        return look if look is not None and look.standing is collection.standing else None

    async def look(self, collection: Collection) -> Look:
        """Ask the canaries of the version that serves. Raises EncoderError: it cannot be asked."""
        look = await self._looked(collection, collection.standing)
        before = self.last(collection)
        self._seen[collection.name] = look
        was = before.wrong if before is not None else ()
        if look.wrong and not was:
            _log.warning("version.worse", collection=collection.name, **_told(look))
        elif was and not look.wrong:
            _log.info("version.as before", collection=collection.name, **_told(look))
        return look

    async def _looked(self, collection: Collection, standing: Standing) -> Look:
        serving = standing.serving
        canaries = await asyncio.to_thread(self._canaries, collection)
        refused = await _refused(serving)
        now, change = None, None
        if canaries and refused is None and serving.encoder.takes_text:
            now, change = await self._compared(collection, serving, canaries)
        lost = [] if refused is None else [refused]
        if change is not None and self._is_loss(change, len(canaries)):
            lost.append(
                f"{GATED} {change.value:+.3f} ({change.low:+.3f} to {change.high:+.3f}) on "
                f"{len(canaries)} canaries"
            )
        better = await self._better(collection, standing, canaries, now) if lost else None
        far, share = [], serving.far.share
        if share is not None and share > self._bars.far:
            far.append(f"nothing was near to {share:.0%} of the last questions")
        return Look(
            standing, len(canaries), now, change, refused, share, better, tuple(lost),
            (*lost, *far),
        )  # fmt: skip

    def _is_loss(self, change: Estimate, questions: int) -> bool:
        return questions >= LEAST and change.value < -self._bars.drop and change.high < 0

    def _canaries(self, collection: Collection) -> list[Golden]:
        """The golden questions with the lowest marks: mostly the same when others are added."""
        with self._store.read() as db:
            golden = golden_rows.of_collection(db, collection.key)
        sample = sorted(golden, key=lambda one: one.mark)[: self._bars.sample]
        there = collection.find({key for one in sample for key in one.judgments})
        return [one for one in sample if one.answer or there.keys() >= _right(one)]

    def _every(self, collection: Collection) -> list[Golden]:
        with self._store.read() as db:
            return golden_rows.of_collection(db, collection.key)

    async def _compared(
        self, collection: Collection, version: Version, canaries: list[Golden]
    ) -> tuple[float, Estimate]:
        every = self._every(collection)
        found = await rankings(collection, natively(version), canaries, every)
        values = per_question(found, [one.judgments for one in canaries])
        reached = by_mark(canaries, values)
        means = {name: round(float(each.mean()), 6) for name, each in values.items()}
        measured = Measured(version.key, self._clock(), len(canaries), means, "watch")
        before = await asyncio.to_thread(self._kept, measured, reached)
        was = np.array([before[one.mark] for one in canaries])
        return float(values[GATED].mean()), paired_difference(values[GATED], was)

    def _kept(self, measured: Measured, reached: dict[str, float]) -> dict[str, float]:
        """Keep what is new of it, and return what the version reached before by mark; blocking."""
        version = measured.version
        with self._store.write() as db:
            golden_rows.reach(db, version, reached, anew=False)
            last = next(reversed(golden_rows.of_version(db, version)), None)
            same = last is not None and (last.questions, last.figures) == (
                measured.questions,
                measured.figures,
            )
            if last is None or not same or measured.at - last.at >= NOTE_EVERY_S:
                golden_rows.note(db, measured)
            return golden_rows.reached(db, version)

    async def _better(
        self, collection: Collection, standing: Standing, canaries: list[Golden], now: float | None
    ) -> Version | None:
        """The former version, where it lacks no document and finds more; None where it does not."""
        former = standing.former
        if former is None or former.coverage().missing:
            return None
        try:
            await former.encoder.live.require(0)
            if now is None:
                return former
            found, _ = await self._compared(collection, former, canaries)
        except EncoderError as error:
            _log.warning("version.no way back", collection=collection.name, cause=str(error))
            return None
        return former if found > now else None


def _right(golden: Golden) -> set[str]:
    return {document for document, grade in golden.judgments.items() if grade > 0}


async def _refused(version: Version) -> str | None:
    """What the encoder of a version says where its model was exchanged, None where it was not."""
    if not version.encoder.takes_text:
        return None
    try:
        await version.encoder.live.require(LOOK_EVERY_S)
    except EncoderChanged as error:
        return str(error)
    return None


def _told(look: Look) -> dict[str, object]:
    return {"version": look.standing.serving.name, "wrong": "; ".join(look.wrong) or None}
