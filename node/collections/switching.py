"""Changing which versions a collection has and which of them answers: each change whole, in order.

A change goes: with nothing being written, one transaction of store.db holds the new states and the
event; then its leaf is appended, and the leaf's guard replaces the standing. Should the leaf fail,
transaction and standing are taken back. A crash between the two is noticed when the node opens: the
leaf is then appended first (`log_missing`). docs/adr/0041 has the states.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from sqlite3 import Connection
from typing import TYPE_CHECKING, TypeVar

from node.collections.bridge import Bridge, opened
from node.collections.course import Course
from node.collections.errors import VersionIncomplete, VersionNotFit
from node.collections.index_keeper import Surroundings
from node.collections.standing import Standing
from node.collections.version import Version
from node.encoders.encoder import Encoder
from node.store import bridge_rows, course_rows, switch_rows, version_rows
from node.store.bridge_rows import BridgeRow
from node.store.store import Store
from node.store.switch_rows import Event, Switch
from node.store.version_rows import State, VersionRow
from node.turns import Turns

if TYPE_CHECKING:
    from node.collections.collection import Collection

ResultT = TypeVar("ResultT")
Guard = Callable[[], None]
AppendLeaf = Callable[[Switch, VersionRow, int, Guard], Awaitable[None]]
"""Appends the leaf of an event of a version; then the number of the collection's documents and the
guard to run just before the commit."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Who changes something, and what stood against it and was overruled (None: nothing).

    `why`: the figures for which the watch does it, where nobody told it to.
    """

    by: str | None
    forced: str | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a version or a course: what it is called, and what stands after it.

    `states` are new states of versions by key; `after` makes the standing that follows, courses and
    bridges included, and raises where it cannot be. `former`: what served before.
    """

    event: Event
    version: Version
    after: Callable[[], Standing]
    reason: Reason
    states: Mapping[int, State] = field(default_factory=dict)
    former: int | None = None

    @property
    def needs_all(self) -> bool:
        """Whether every document must have vectors in the version."""
        return self.event in ("complete", "cutover", "rollback")


class Switching:
    """The changes of one collection's standing, one after another, each to its end."""

    def __init__(
        self, collection: "Collection", around: Surroundings, append: AppendLeaf, turns: Turns
    ) -> None:
        """`turns` are the collection's: a caller who goes away does not stop a change."""
        self._collection = collection
        self._around = around
        self._append = append
        self._turns = turns

    async def begin(self, encoder: Encoder, rate: int, reason: Reason) -> Version:
        """Add an empty version in the space of an encoder; from now on it is written to.

        Where one in that space is kept, because somebody else began it meanwhile, it is that one.
        """
        return await self._turns.take(lambda: self._begin(encoder, rate, reason))

    async def complete(self, version: Version, reason: Reason) -> None:
        """Make a version that is built a shadow. Raises VersionIncomplete."""
        now = lambda: self._collection.standing  # noqa: E731 - read when its turn has come
        await self._change(Change("complete", version, now, reason, {version.key: "shadow"}))

    async def cut_over(
        self, version: Version, reason: Reason, bridges: Sequence[BridgeRow] = ()
    ) -> None:
        """Let a shadow answer in place of the serving version, which stays as `former`.

        A course ends with it. `bridges` are kept besides those there are.

        Raises VersionIncomplete, where nothing is forced, VersionNotFit.
        """

        def after() -> Standing:
            now = self._collection.standing
            self._require_other(version)
            aside = tuple(each for each in now.kept if each not in (version, now.serving))
            return Standing(version, now.serving, aside, None, _added(now.bridges, bridges))

        await self._put_in_charge("cutover", version, after, reason)

    async def roll_back(self, reason: Reason) -> Version:
        """Let the former version answer again, and the one that replaced it answer nothing."""
        former = self._collection.standing.former
        if former is None:
            raise VersionNotFit(
                f"there is no former version of {self._collection.name} to go back to",
                fix=f"`interlingua catalog {self._collection.name}` shows those there are.",
            )

        def after() -> Standing:
            now = self._collection.standing
            if now.former is not former:
                raise VersionNotFit(f"{former.name} was retired meanwhile")
            aside = (now.serving, *now.aside)
            return Standing(former, None, aside, None, now.bridges)

        await self._put_in_charge("rollback", former, after, reason)
        return former

    async def retire(self, version: Version, reason: Reason) -> None:
        """Give up a version that does not serve: its vectors and files are deleted."""

        def after() -> Standing:
            now = self._collection.standing
            self._require_other(version)
            aside = tuple(each for each in now.aside if each is not version)
            former = None if now.former is version else now.former
            if now.course is not None and now.course.version is version:
                now = _without_course(now, now.course, keep_maps=False)
            return replace(now, former=former, aside=aside)

        await self._collection.stop_backfill(version)
        await self._change(Change("retired", version, after, reason, {version.key: "retired"}))
        await asyncio.to_thread(purge, self._around.store, version.key)
        await version.remove_files()

    async def set_course(
        self,
        event: Event,
        course: Course | None,
        reason: Reason,
        bridges: Sequence[BridgeRow] = (),
    ) -> None:
        """Begin a course, go on with it at another share, or end it (None).

        `bridges` are kept besides those there are. The maps between both models are taken down with
        the course, unless the new one has served before: partners may know it alone.

        Raises VersionNotFit where the version that it is about was given up or put in charge
        meanwhile, where another course began, or there is no course to end.
        """
        was = self._collection.standing.course
        about = course or was
        if about is None:
            raise VersionNotFit(
                f"nothing is under way in {self._collection.name}",
                fix=f"`interlingua catalog {self._collection.name}` shows what there is.",
            )

        def after() -> Standing:
            now = self._collection.standing
            if _changed_meanwhile(event, about, was, now):
                raise VersionNotFit(
                    f"what is under way in {self._collection.name} changed meanwhile",
                    fix=f"interlingua catalog {self._collection.name}",
                )
            if course is None:
                return _without_course(now, about, keep_maps=self._has_served(about.source))
            return replace(now, course=course, bridges=_added(now.bridges, bridges))

        await self._change(Change(event, about.version, after, reason))

    def _has_served(self, space: str) -> bool:
        """Whether a kept version in that space was in charge at any time; blocking, and short."""
        with self._around.store.read() as db:
            events = switch_rows.of_collection(db, self._own)
        put = [one for one in events if one.event in switch_rows.PUT_IN_CHARGE]
        keys = {key for one in put for key in (one.version, one.former)}
        return any(one.key in keys for one in self._collection.standing.kept
                   if one.space_id == space)  # fmt: skip

    async def _begin(self, encoder: Encoder, rate: int, reason: Reason) -> Version:
        at, own = self._around.clock(), self._collection.key

        def write(db: Connection) -> tuple[VersionRow, Switch]:
            row = version_rows.insert(db, own, encoder.name, encoder.envelope, "building", at, rate)
            event = switch_rows.insert(db, own, row.key, "migration-begun", at, reason.by)
            return row, event

        async with self._collection.writing.turn:
            for kept in self._collection.standing.kept:
                if kept.space_id == encoder.envelope.space_id:
                    return kept
            row, event = await asyncio.to_thread(in_transaction, self._around.store, write)
            version, before = Version(row, self._around), self._collection.standing
            after = replace(before, aside=(*before.aside, version))
            try:
                await self._log(event, row, lambda: self._collection.stand(after))
            except BaseException:
                self._collection.stand(before)
                await asyncio.to_thread(
                    in_transaction,
                    self._around.store,
                    lambda db: version_rows.delete(db, row.key),
                )
                raise
        return version

    async def _put_in_charge(
        self, event: Event, version: Version, after: Callable[[], Standing], reason: Reason
    ) -> None:
        serving = self._collection.serving
        states: dict[int, State] = {serving.key: "shadow", version.key: "serving"}
        await self._change(Change(event, version, after, reason, states, former=serving.key))

    async def _change(self, change: Change) -> None:
        await self._turns.take(lambda: self._change_now(change))

    async def _change_now(self, change: Change) -> None:
        at, store, reason = self._around.clock(), self._around.store, change.reason
        async with self._collection.writing.turn:
            before, then = self._collection.standing, change.after()
            was: dict[int, State] = {}

            def write(db: Connection) -> tuple[VersionRow, Switch]:
                rows = {row.key: row for row in version_rows.of_collection(db, self._own)}
                row = rows[change.version.key]
                if change.needs_all:
                    self._require_complete(db, row, reason)
                was.update({key: rows[key].state for key in change.states})
                _set_states(db, change.states)
                self._write_ways(db, before, then)
                noted = switch_rows.insert(
                    db, self._own, row.key, change.event, at, reason.by,
                    former=change.former, forced=reason.forced, reason=reason.why,
                )  # fmt: skip
                return row, noted

            def undo(db: Connection) -> None:
                _set_states(db, was)
                self._write_ways(db, then, before)
                switch_rows.delete(db, noted.key)

            row, noted = await asyncio.to_thread(in_transaction, store, write)
            try:
                await self._log(noted, row, lambda: self._collection.stand(then))
            except BaseException:
                self._collection.stand(before)
                await asyncio.to_thread(in_transaction, store, undo)
                raise

    @property
    def _own(self) -> int:
        return self._collection.key

    def _write_ways(self, db: Connection, before: Standing, then: Standing) -> None:
        """Write course and bridges where they are others than before."""
        if then.course is not before.course:
            course_rows.put(db, self._own, None if then.course is None else then.course.row)
        if then.bridges is not before.bridges:
            bridge_rows.replace(db, self._own, [one.row(self._own) for one in then.bridges])

    def _require_complete(self, db: Connection, row: VersionRow, reason: Reason) -> None:
        missing = version_rows.coverage(db, row.collection, row.key).missing
        if missing and reason.forced is None:
            raise VersionIncomplete(
                f"{missing} documents have no vectors in {row.version} of {row.name}",
                fix=f"interlingua collection migrate {row.name} --to {row.encoder} (`supply` where"
                " you compute its vectors); what cannot be encoded is left out for ever with"
                " --force.",
            )

    def _require_other(self, version: Version) -> None:
        now = self._collection.standing
        if version is now.serving or version not in now.kept:
            state = "serves" if version is now.serving else "was retired meanwhile"
            raise VersionNotFit(
                f"version {version.name} of {self._collection.name} {state}",
                fix=f"interlingua catalog {self._collection.name}",
            )

    async def _log(self, event: Switch, row: VersionRow, guard: Guard) -> None:
        await self._append(event, row, self._collection.documents, guard)
        await asyncio.to_thread(
            in_transaction, self._around.store, lambda db: switch_rows.set_logged(db, event.key)
        )


async def log_missing(store: Store, append: AppendLeaf) -> None:
    """Append the leaves of changes that a crash cut off; call it before anything is answered."""
    with store.read() as db:
        rows = {row.key: row for row in version_rows.all_rows(db)}
        missing = [
            (each, version_rows.coverage(db, each.collection, each.version).documents)
            for each in switch_rows.unlogged(db)
        ]
    for event, documents in missing:
        await append(event, rows[event.version], documents, lambda: None)
        with store.write() as db:
            switch_rows.set_logged(db, event.key)


def purge(store: Store, version: int) -> None:
    """Delete the vectors of a retired version, some at a time, so that nobody waits for it long."""
    while in_transaction(store, lambda db: version_rows.delete_some_chunks(db, version, 500)):
        pass


def in_transaction(store: Store, work: Callable[[Connection], ResultT]) -> ResultT:
    """Run `work(db)` as one write; blocking."""
    with store.write() as db:
        return work(db)


def _set_states(db: Connection, states: Mapping[int, State]) -> None:
    """Set states, that of the version that is to serve last: two never do at once."""
    for key, state in sorted(states.items(), key=lambda item: item[1] == "serving"):
        version_rows.set_state(db, key, state)


def _changed_meanwhile(event: Event, about: Course, was: Course | None, now: Standing) -> bool:
    """Whether what a step of a course rests on is so no more when its turn has come.

    Learning a map takes minutes, in which another way may begin or another version take over.
    """
    if about.version not in now.kept:
        return True
    if event in ("share", "stopped"):
        return now.course is not was
    if (event == "bridge") != (about.version is now.serving):
        return True
    return now.course is not None and not now.course.goes_as(about)


def _without_course(now: Standing, course: Course, keep_maps: bool) -> Standing:
    """Return a standing whose course has ended, with or without the maps between its models."""
    if keep_maps:
        return replace(now, course=None)
    ends = {course.source, now.serving.space_id}
    there = tuple(one for one in now.bridges if {one.source, one.target} != ends)
    return replace(now, course=None, bridges=there)


def _added(bridges: tuple[Bridge, ...], rows: Sequence[BridgeRow]) -> tuple[Bridge, ...]:
    """Return bridges with others in place of those of their direction; as they are if none."""
    if not rows:
        return bridges
    new = {(row.source, row.target) for row in rows}
    return (*(one for one in bridges if (one.source, one.target) not in new), *opened(rows))
