"""The watch holds a serving version to what it reached before."""

from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.metrics import Estimate
from node.collections.collection import Collection
from node.collections.far_share import LEAST, FarShare
from node.collections.finding import natively
from node.collections.judging import compare
from node.collections.switching import Reason
from node.collections.watch import Bars, Watch
from node.encoders.live import LiveSketch
from node.ingest.record import Record
from node.store import golden_rows
from node.store.golden_rows import Golden
from node.store.switch_rows import Switch
from node.store.version_rows import VersionRow
from tests.node.collections.migrator import text
from tests.node.collections.models import Words, add_model
from tests.node.collections.rooms import NOW, Rooms, opened, unseen

BARS = Bars(sample=50, drop=0.05, far=0.5)
COUNT = 40


async def unlogged(
    switch: Switch, row: VersionRow, documents: int, guard: Callable[[], None]
) -> None:
    """Take a change for logged."""
    del switch, row, documents
    guard()


async def switched(rooms: Rooms) -> Collection:
    """A collection with a former version and golden questions."""
    add_model(rooms.encoders, "old", 1)
    add_model(rooms.encoders, "new", 2)
    made = await rooms.collections.create("papers", "old")
    await made.ingest([Record(f"d{n}", "", text=text(n)) for n in range(COUNT)], COUNT, unseen)

    switching = made.switching(unlogged)
    new = await switching.begin(rooms.encoders.get("new"), 0, Reason(None))
    await made.backfill(new).run(unseen)
    await switching.complete(new, Reason(None))
    await switching.cut_over(new, Reason(None))
    with rooms.store.write() as db:
        golden_rows.replace(db, made.key, [Golden(text(n), {f"d{n}": 1}) for n in range(20)])
    return made


def exchange(rooms: Rooms, name: str, seed: int) -> None:
    """Put another model behind an encoder."""
    rooms.encoders._opened[name]._backend = Words(seed)


async def test_a_version_that_never_found_much_is_not_held_against_the_former_one(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as rooms:
        collection = await switched(rooms)
        exchange(rooms, "new", 3)
        watch = Watch(rooms.store, BARS, lambda: NOW)
        first, second = await watch.look(collection), await watch.look(collection)
        assert (first.now or 0) < 0.5
        assert (first.wrong, second.wrong) == ((), ())


async def test_a_loss_is_seen_after_a_restart_and_names_a_way_back_only_where_it_helps(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as rooms:
        collection = await switched(rooms)
        assert not (await Watch(rooms.store, BARS, lambda: NOW).look(collection)).wrong
        exchange(rooms, "new", 3)
        look = await Watch(rooms.store, BARS, lambda: NOW).look(collection)
        assert look.better is collection.standing.former
        (lost,) = look.lost
        assert lost.startswith("ndcg_10 -")
        assert lost.endswith("on 20 canaries")
        exchange(rooms, "old", 4)
        assert (await Watch(rooms.store, BARS, lambda: NOW).look(collection)).better is None
        with rooms.store.write() as db:
            golden_rows.replace(db, collection.key, [Golden(text(1), {"d1": 1})])
        few = await Watch(rooms.store, BARS, lambda: NOW).look(collection)
        assert (few.questions, few.wrong) == (1, ())


async def test_an_exchanged_model_is_a_loss_without_any_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as rooms:
        collection = await switched(rooms)
        with rooms.store.write() as db:
            golden_rows.replace(db, collection.key, [])
        new, probed = collection.encoder, Words(2)
        rows = await probed.embed([f"text {n}" for n in range(24)])
        from protocol.notation import to_base64url
        from protocol.probe import sketch

        stated = new.envelope.model_copy(update={"probe": to_base64url(sketch(rows))})

        async def other():  # type: ignore[no-untyped-def] # vectors
            return await Words(9).embed([f"text {n}" for n in range(24)])

        monkeypatch.setattr(new, "live", LiveSketch("new", stated, other))
        look = await Watch(rooms.store, BARS, lambda: NOW).look(collection)
        assert look.better is collection.standing.former
        assert "probe sketch" in look.lost[0]


async def test_many_questions_to_which_nothing_is_near_alarm_and_are_no_reason_to_go_back(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as rooms:
        collection = await switched(rooms)
        for _ in range(LEAST):
            collection.serving.far.note(True)
        look = await Watch(rooms.store, BARS, lambda: NOW).look(collection)
        assert look.wrong == ("nothing was near to 100% of the last questions",)
        assert (look.lost, look.better) == ((), None)


def test_a_share_needs_enough_questions_that_could_be_judged() -> None:
    share = FarShare()
    for _ in range(LEAST - 1):
        share.note(False)
    share.note(None)
    assert share.share is None
    share.note(True)
    assert share.share == 1 / LEAST


async def test_a_look_at_a_version_that_does_not_serve_any_more_says_nothing(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as rooms:
        collection = await switched(rooms)
        watch = Watch(rooms.store, BARS, lambda: NOW)
        look = await watch.look(collection)
        assert watch.last(collection) is look
        await collection.switching(unlogged).roll_back(Reason(None))
        assert watch.last(collection) is None


@pytest.mark.parametrize(
    ("change", "is_loss"),
    [
        (Estimate(-0.06, -0.08, -0.02), True),
        (Estimate(-0.04, -0.05, -0.03), False),  # sure, and no more than the bar allows
        (Estimate(-0.06, -0.13, 0.01), False),  # more, and perhaps by chance
    ],
)
async def test_a_loss_is_more_than_the_bar_and_beyond_chance(
    tmp_path: Path, change: Estimate, is_loss: bool
) -> None:
    async with opened(tmp_path) as rooms:
        assert Watch(rooms.store, BARS, lambda: NOW)._is_loss(change, 20) is is_loss


async def test_a_former_version_that_lacks_a_document_is_no_way_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as rooms:
        collection = await switched(rooms)
        watch = Watch(rooms.store, BARS, lambda: NOW)
        await watch.look(collection)
        former = collection.standing.former
        assert former is not None
        with rooms.store.write() as db:
            (key,) = db.execute("SELECT max(document) FROM chunks").fetchone()
            db.execute("DELETE FROM chunks WHERE version = ? AND document = ?", (former.key, key))
        exchange(rooms, "new", 3)
        look = await watch.look(collection)
        assert look.lost
        assert look.better is None


async def test_a_sample_of_anchors_is_asked_among_all_of_them(tmp_path: Path) -> None:
    async with opened(tmp_path) as rooms:
        collection = await switched(rooms)
        golden = [
            Golden(f"which of all things is thing{n}", {f"anchor:{n}": 1}, text(n))
            for n in range(60)
        ]
        with rooms.store.write() as db:
            golden_rows.replace(db, collection.key, golden)
        judged = await compare(collection, natively(collection.serving), golden)
        assert judged.serving["ndcg_10"].value < 0.9
        with rooms.store.write() as db:
            golden_rows.reach(db, collection.serving.key, judged.reached_before, anew=True)
        few = Bars(sample=10, drop=0.05, far=0.5)
        look = await Watch(rooms.store, few, lambda: NOW).look(collection)
        assert look.questions == 10
        assert look.change is not None
        assert look.change.value == 0
