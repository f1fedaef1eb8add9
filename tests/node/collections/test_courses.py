"""Courses begin, go on and end whole, and are there again after a crash."""

from dataclasses import replace
from pathlib import Path

import pytest

from node.collections.course import Course
from node.collections.errors import VersionNotFit
from node.collections.switching import Reason, log_missing
from node.ingest.record import Record
from node.store import switch_rows
from node.store.course_rows import CourseRow
from tests.node.collections.models import add_model
from tests.node.collections.rooms import NOW, Rooms, opened, unseen
from tests.node.collections.test_migration import Log

ADMIN = Reason("admin")


async def begun(rooms: Rooms, log: Log) -> Course:
    """A collection with a version that is not filled, and a course to it that is not taken yet."""
    add_model(rooms.encoders, "old", 1)
    add_model(rooms.encoders, "new", 2)
    made = await rooms.collections.create("papers", "old")
    records = [Record(f"d{n}", str(n), text=f"text number {n}") for n in range(100)]
    await made.ingest(records, 100, unseen)
    version = await made.switching(log.append).begin(rooms.encoders.get("new"), 0, ADMIN)
    row = CourseRow(made.key, "progressive", version.key, "new", 5, (50, 100), 60, NOW, b"s" * 16)
    return Course(row, version, version.space_id)


async def test_a_course_is_there_again_with_its_share_and_what_was_not_logged_is(
    tmp_path: Path,
) -> None:
    log = Log()
    async with opened(tmp_path) as rooms:
        course = await begun(rooms, log)
        collection = rooms.collections.get("papers")
        switching = collection.switching(log.append)
        log.refuses = True
        with pytest.raises(OSError, match="full"):
            await switching.set_course("progressive", course, ADMIN)
        assert collection.standing.course is None  # taken back whole
        log.refuses = False
        await switching.set_course("progressive", course, ADMIN)
        raised = replace(course, row=replace(course.row, share=50, steps=(100,)))
        await switching.set_course("share", raised, Reason("watch", why="share 50%"))
        with rooms.store.write() as db:  # as though the node had been killed before the leaf
            last = switch_rows.of_collection(db, collection.key)[-1]
            db.execute("UPDATE switches SET logged = 0 WHERE key = ?", (last.key,))
    assert log.events == [("migration-begun", "v2"), ("progressive", "v2"), ("share", "v2")]
    async with opened(tmp_path) as rooms:
        add_model(rooms.encoders, "old", 1)
        add_model(rooms.encoders, "new", 2)
        await log_missing(rooms.store, log.append)
        assert log.events[-2:] == [("share", "v2")] * 2
        collection = rooms.collections.get("papers")
        again = collection.standing.course
        assert again is not None
        assert again.row == raised.row
        assert again.version in collection.standing.aside
        await collection.switching(log.append).cut_over(again.version, Reason(None, "forced"))
        assert collection.standing.course is None  # it ends with the switch
    async with opened(tmp_path) as rooms:
        assert rooms.collections.get("papers").standing.course is None


async def test_a_larger_share_takes_in_all_that_a_smaller_one_did(tmp_path: Path) -> None:
    async with opened(tmp_path) as rooms:
        course = await begun(rooms, Log())
    taken: set[int] = set()
    for share in (0, 5, 25, 50, 100):
        now = replace(course, row=replace(course.row, share=share))
        more = {n for n in range(2000) if now.takes(str(n).encode())}
        assert taken <= more
        assert len(more) / 20 == pytest.approx(share, abs=4)
        taken = more
    other = replace(course, row=replace(course.row, share=50, salt=b"t" * 16))
    assert {n for n in range(100) if other.takes(str(n).encode())} != {
        n for n in range(100) if n in taken and replace(
            course, row=replace(course.row, share=50)).takes(str(n).encode())
    }  # fmt: skip


async def test_what_was_asked_for_most_is_encoded_first(tmp_path: Path) -> None:
    async with opened(tmp_path, most_asked=lambda _name: [77, 3, 999]) as rooms:
        course = await begun(rooms, Log())
        model = add_model(rooms.encoders, "new", 2)
        await rooms.collections.get("papers").backfill(course.version).run(unseen)
        wanted = [f"text number {n}" for n in (76, 2, 0, 1, 3)]
        assert model.texts[:5] == wanted
        assert len(model.texts) == 100
        assert course.version.coverage().missing == 0


async def test_of_two_ways_begun_at_once_the_second_is_refused_whole(tmp_path: Path) -> None:
    log = Log()
    async with opened(tmp_path) as rooms:
        course = await begun(rooms, log)
        collection = rooms.collections.get("papers")
        switching, serving = collection.switching(log.append), collection.serving
        await switching.set_course("progressive", course, ADMIN)
        # a bridge whose map was learned while the other way began, and `both` likewise
        row = replace(course.row, strategy="bridge", version=serving.key, encoder="third")
        bridge = Course(row, serving, "a space of its own")
        both = replace(course, row=replace(course.row, strategy="both"))
        for event, late in (("bridge", bridge), ("both", both)):
            with pytest.raises(VersionNotFit, match="changed meanwhile"):
                await switching.set_course(event, late, ADMIN)  # type: ignore[arg-type]  # a loop
        assert collection.standing.course is course
        await switching.set_course("stopped", None, ADMIN)
        await switching.cut_over(course.version, Reason(None, "forced"))
        for event, late in (("bridge", bridge), ("both", both)):  # of versions in other places now
            with pytest.raises(VersionNotFit, match="changed meanwhile"):
                await switching.set_course(event, late, ADMIN)  # type: ignore[arg-type]  # a loop
        assert collection.standing.course is None
    assert [event for event, _ in log.events[1:]] == ["progressive", "stopped", "cutover"]


async def test_two_migrations_to_one_model_begun_at_once_are_one(tmp_path: Path) -> None:
    log = Log()
    async with opened(tmp_path) as rooms:
        course = await begun(rooms, log)
        collection, encoder = rooms.collections.get("papers"), rooms.encoders.get("new")
        again = await collection.switching(log.append).begin(encoder, 0, ADMIN)
        assert again is course.version
        assert len(collection.standing.kept) == 2
