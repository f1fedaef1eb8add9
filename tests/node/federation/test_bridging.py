"""Ways over bridges: last of all, told as what they are, and every vector in its own space."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from adapters.affine import AffineMap
from node.collections.bridge import Bridge, Sample, fit_both_ways
from node.collections.bridge import opened as bridges_of
from node.collections.collection import Collection
from node.collections.course import Course
from node.collections.standing import Standing
from node.collections.switching import Reason
from node.collections.version import Version
from node.federation.bridging import accepted_by, chained, reach_first, routes_over
from node.federation.budgets import QueryBudgets
from node.federation.disclose import ShownRecords
from node.federation.disclosing import search_and_disclose
from node.federation.exposures import Exposures
from node.federation.judgement import Permitted, Routed, route
from node.federation.probing import Probes
from node.federation.replay import InFlight
from node.federation.reservation import Reservation
from node.federation.routing import Inbound, NoRoute, Plan, Routes, refused_space
from node.federation.scoring import score
from node.index.candidate import Candidate, Candidates
from node.ingest.record import Record
from node.policy.grants import Grant
from node.store.course_rows import CourseRow
from protocol.card import Card, Figure
from protocol.envelope import Envelope
from protocol.leaf import new_salt
from protocol.problems import Code, Refused
from protocol.query_message import Query
from protocol.vectors import encode
from tests.node.collections.migrator import text
from tests.node.collections.models import WIDTH, Words, add_model
from tests.node.collections.rooms import NOW, Rooms, envelope, opened, unseen, vectors
from tests.node.collections.test_migration import Log
from tests.node.collections.turned import add_turned

HUB = envelope(model="hub")
FIRST = "sha256:" + "1" * 64
MRR = Figure(milli=700, low=600, high=800)
FloatArray = npt.NDArray[np.float32]


@dataclass
class Hub:
    """The routes of a node that joined one shared space with some of its models.

    Each by the map out of it; the way back is its transpose, for the maps only turn.
    """

    out: Mapping[str, FloatArray]
    corrected: frozenset[str] = field(default_factory=frozenset)

    def accepted(self, into: str) -> tuple[str, ...]:
        return (HUB.space_id,) if into in self.out else ()

    def inbound(self, space: str, route: str | None, into: str) -> Inbound:
        if space == into:
            return Inbound(score_space=into, into=into)
        if space != HUB.space_id or into not in self.out or route not in (None, FIRST):
            raise refused_space(space, into)
        zero = np.zeros(WIDTH, dtype=np.float32)
        there = AffineMap("procrustes", self.out[into], zero, space, into)
        back = AffineMap("procrustes", self.out[into].T, zero, into, space)
        return Inbound(space, into, there, back, FIRST, "procrustes", {"mrr": MRR})

    def plan(self, own: Envelope, card: Card, into: str | None) -> Plan:
        raise NoRoute(f"{own.model} asks nobody ({card.organisation}, {into})")


def unused() -> Reservation:
    """A reservation of somebody who has asked nothing before."""
    return Reservation(
        "lab.example",
        NOW,
        QueryBudgets(lambda *_: 0),
        Exposures(lambda *_: {}),
        Probes(lambda *_: ()),
        InFlight(),
    )


@pytest.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[Rooms]:
    async with opened(tmp_path) as rooms:
        yield rooms


def turned(seed: int) -> FloatArray:
    drawn = np.random.default_rng(seed).normal(size=(WIDTH, WIDTH))
    return np.linalg.qr(drawn)[0].astype(np.float32)


def bridge(old: Envelope, new: Envelope, seed: int = 0) -> tuple[Bridge, FloatArray]:
    """The bridge from the old space to the new one, which is the old one turned."""
    turn, rows = turned(5), vectors(200, seed=seed)
    digests = [f"sha256:{n:064x}" for n in range(200)]
    there = (rows @ turn.T).astype(np.float32)
    sample = Sample(digests, rows, there, rows, there)
    made = bridges_of(fit_both_ways(1, sample, old, new))
    return next(one for one in made if one.source == old.space_id), turn


def reached(standing: Standing, routes: Hub, space: str, named: str | None = None) -> Inbound:
    """The way of a question in a space to the first version that is reached."""
    return reach_first(
        standing,
        routes,
        lambda version, ways: ways.inbound(space, named, version.space_id),
        Refused,
    )[1]


async def test_a_partner_of_the_retired_model_is_brought_on_and_told_so(rooms: Rooms) -> None:
    old, new = envelope(revision="1"), envelope(revision="2")
    serving = (await rooms.collection("papers", revision="2")).serving
    over, turn = bridge(old, new)
    routes = Hub({old.space_id: turned(8)})
    standing = Standing(serving, bridges=(over,))
    assert accepted_by(standing, routes) == [new.space_id, old.space_id, HUB.space_id]
    told = {one.space: one for one in routes_over(standing, routes)}
    assert {one.kind for one in told.values()} == {"bridge", "chained"}
    direct, chain = told[old.space_id], told[HUB.space_id]
    assert (direct.adapter, chain.adapter) == (over.adapter, chained(FIRST, over.adapter))
    assert direct.quality["agreement_10"].milli > 900
    assert "mrr" not in chain.quality  # nobody has measured the whole way
    assert chain.quality["before_chain_mrr"] == MRR
    assert chain.quality["chained_agreement_10"] == direct.quality["agreement_10"]

    way = reached(standing, routes, HUB.space_id, chain.adapter)
    question, document = vectors(2, seed=4)
    assert (way.score_space, way.into) == (HUB.space_id, new.space_id)
    assert np.allclose(way.carried(question[None])[0], turn @ turned(8) @ question, atol=1e-3)
    found = Candidates.of([Candidate(1, 0.0, (turn @ turned(8) @ document))], WIDTH)
    scored = score(question[None], [found], way.scoring, serving.scalars)
    assert scored[0].cosines[0] == pytest.approx(float(question @ document), abs=1e-3)
    with pytest.raises(Refused) as refused:
        reached(standing, routes, HUB.space_id, "sha256:" + "9" * 64)
    assert refused.value.code is Code.ROUTE_UNKNOWN
    with pytest.raises(Refused) as refused:
        reached(standing, routes, "sha256:" + "7" * 64)
    assert refused.value.code is Code.SPACE_NOT_ACCEPTED


async def test_another_collections_map_of_the_same_direction_is_taken_by_its_name(
    rooms: Rooms,
) -> None:
    old, new = envelope(revision="1"), envelope(revision="2")
    serving = (await rooms.collection("papers", revision="2")).serving
    own, other = bridge(old, new)[0], bridge(old, new, seed=9)[0]
    assert own.adapter != other.adapter  # the card shows one of them
    routes = Hub({old.space_id: turned(8)})

    def way(standing: Standing, space: str, named: str | None) -> Inbound:
        def reach(version: Version, ways: Routes) -> Inbound:
            return ways.inbound(space, named, version.space_id)

        return reach_first(standing, routes, reach, Refused, [other])[1]

    papers = Standing(serving, bridges=(own,))
    assert way(papers, old.space_id, None).adapter == own.adapter
    for one in (own, other):
        direct = way(papers, old.space_id, one.adapter)
        assert (direct.bridge, direct.adapter) == (one, one.adapter)
        chain = way(papers, HUB.space_id, chained(FIRST, one.adapter))
        assert (chain.bridge, chain.kind) == (one, "chained")
    with pytest.raises(Refused) as refused:  # it has none itself: nothing leads there
        way(Standing(serving), old.space_id, other.adapter)
    assert refused.value.code is Code.SPACE_NOT_ACCEPTED


async def test_a_way_that_was_measured_is_taken_before_a_bridge(rooms: Rooms) -> None:
    new = (await rooms.collection("new", revision="2")).serving
    former = (await rooms.collection("old", revision="1")).serving
    over, _ = bridge(former.envelope, new.envelope)
    standing = Standing(new, former, bridges=(over,))
    routes = Hub({former.space_id: turned(8)})
    for space in (former.space_id, HUB.space_id):
        assert reached(standing, routes, space).bridge is None
    assert list(routes_over(standing, routes)) == []


async def half_filled(rooms: Rooms) -> tuple[Collection, Hub, Words]:
    """A collection of 60 documents of which the new version has the last 30."""
    model = add_model(rooms.encoders, "old", 1)
    new = add_turned(rooms.encoders, "new", 1)
    made = await rooms.collections.create("papers", "old")
    records = [Record(f"d{n}", str(n), text=text(n), labels=frozenset({"open"})) for n in range(60)]
    await made.ingest(records[:30], 30, unseen)
    switching = made.switching(Log().append)
    version = await switching.begin(rooms.encoders.get("new"), 0, Reason(None))
    await made.ingest(records[30:], 30, unseen)
    row = CourseRow(made.key, "both", version.key, "new", 100, (), 0, NOW, b"s" * 16)
    await switching.set_course("both", Course(row, version, version.space_id), Reason(None))
    plain = np.eye(WIDTH, dtype=np.float32)
    return made, Hub({made.space_id: plain, version.space_id: new.turn.T}), model


def asked(collection: Collection, routes: Hub, rows: FloatArray) -> tuple[Query, Routed]:
    grant = Grant(
        peer="lab.example",
        collection="papers",
        purposes=("research",),
        labels=("open",),
        answers_per_record=WIDTH,
    )
    query = Query(
        id=new_salt(),
        salt=new_salt(),
        collection="papers",
        purpose="research",
        k=8,
        space=HUB.space_id,
        envelope=HUB.describing(role="query"),
        vectors=encode(rows, "float32"),
    )
    permitted = Permitted(grant, "bins", collection, collection.standing)
    return query, route(query, permitted, routes)


async def test_a_partner_is_answered_from_both_versions_each_document_once(rooms: Rooms) -> None:
    collection, routes, model = await half_filled(rooms)
    rows = np.stack([model.see(text(n)) for n in (3, 40)])
    query, routed = asked(collection, routes, rows)
    assert routed.versions == "v2+v1"
    assert routed.beside is not None
    alone = Hub({collection.space_id: routes.out[collection.space_id]})
    _, old = asked(collection, alone, rows)
    assert (old.versions, old.beside) == ("v1", None)  # no way to the new one: the old one alone
    lists = []
    for one in (routed, old):
        reservation = unused()
        assert reservation.reserve_queries(one.permitted.grant, 2)
        shown = await search_and_disclose(query, one, reservation)
        lists.append([each.keys for each in shown.lists if isinstance(each, ShownRecords)])
    # the new model is the old one turned, so whoever scores, the order is the same
    assert lists[0] == lists[1]
    (first, second), names = lists[0], collection.external_ids(range(1, 61))
    assert (names[first[0]], names[second[0]]) == ("d3", "d40")
    assert len(set(first)) == len(first) == 8
