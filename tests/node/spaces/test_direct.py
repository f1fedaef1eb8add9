from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from keys.signer import SeedSigner
from node.spaces.embedding_file import AnchorEmbeddings
from node.spaces.manifest import sign_manifest
from node.spaces.spaces import Spaces
from protocol.card import Card, CardLimits
from protocol.problems import Code, Refused
from tests.node.spaces.consortium import AT, created, expert, ground, joining_of, members

A, B, _ = members()
D, E = expert("d.example", 64, 50), expert("e.example", 72, 51)
HUB = created()[0].envelope.space_id


def joined(path: Path, own: AnchorEmbeddings, *others: AnchorEmbeddings) -> Spaces:
    manifest, positions = created()
    for folder in ("spaces", "adapters"):
        (path / folder).mkdir(parents=True, exist_ok=True)
    spaces = Spaces.open(path / "spaces", path / "adapters")
    joining = joining_of(own, *others)
    raw = sign_manifest(manifest, [SeedSigner.from_seed(b"1" * 32)])
    spaces.keep(manifest, raw, positions.encoded, joining, others)
    return spaces


def card_of(spaces: Spaces, own: AnchorEmbeddings) -> Card:
    envelopes = {**spaces.envelopes(), own.space_id: own.envelope}
    return Card(
        organisation=own.organisation,
        serial=1,
        issued=AT,
        expires=AT + 100,
        root_version=1,
        root_digest="sha256:" + "0" * 64,
        url="https://partner.example",
        log_origin=own.organisation,
        log_kid="k" * 43,
        spaces=tuple(envelopes.values()),
        routes=tuple(spaces.routes(own.space_id)),
        limits=CardLimits(max_query_bytes=2**20, max_batch=1, max_k=10),
    )


@pytest.fixture(scope="module")
def experts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Spaces, Spaces]:
    """Two members whose models see more than the shared space holds, which others founded."""
    path = tmp_path_factory.mktemp("experts")
    return joined(path / "d", D, A, E), joined(path / "e", E, A, D)


def test_a_direct_way_is_taken_where_it_was_measured_better(experts: tuple[Spaces, Spaces]) -> None:
    asker, responder = experts
    plan = asker.plan(D.envelope, card_of(responder, E), E.space_id)
    pair = asker.all()[0].joined.pair(D.space_id, E.space_id)
    assert pair is not None
    assert pair.by_direct is not None
    assert pair.by_direct.mrr[pair.by_direct.kind].value > pair.chosen.value
    assert (plan.envelope.space_id, plan.in_map, plan.own_adapter) == (D.space_id, None, None)
    inbound = responder.inbound(plan.envelope.space_id, plan.route, E.space_id)
    assert inbound.out_map is not None
    rows = ground().anchors.split.test
    found = (inbound.out_map.apply(D.query[rows]) @ E.document.T).argmax(axis=1)
    assert np.mean(found == rows) > 0.9
    assert plan.figures["mrr"].milli > 900


def test_what_is_asked_directly_is_scored_in_the_space_in_which_it_was_asked(
    experts: tuple[Spaces, Spaces],
) -> None:
    asker, responder = experts
    plan = asker.plan(D.envelope, card_of(responder, E), E.space_id)
    inbound = responder.inbound(D.space_id, plan.route, E.space_id)
    assert inbound.score_space == D.space_id
    assert inbound.rescore_map is not None
    rows = ground().anchors.split.test
    scored = (D.query[rows] @ inbound.rescore_map.apply(E.document).T).argmax(axis=1)
    assert np.mean(scored == rows) > 0.9


def test_a_pair_that_the_shared_space_serves_as_well_has_no_direct_route(
    experts: tuple[Spaces, Spaces],
) -> None:
    asker, responder = experts
    routes = [route for route in responder.routes(E.space_id) if route.space != HUB]
    assert [route.space for route in routes] == [D.space_id]
    assert responder.accepted(E.space_id) == (HUB, D.space_id)
    pair = asker.all()[0].joined.pair(A.space_id, D.space_id)
    assert pair is not None
    assert pair.direct is not None
    with pytest.raises(Refused) as refused:
        responder.inbound(A.space_id, None, E.space_id)
    assert refused.value.code is Code.SPACE_NOT_ACCEPTED


def test_a_partner_that_measured_nothing_takes_the_direct_way_that_is_offered_to_it(
    experts: tuple[Spaces, Spaces], tmp_path: Path
) -> None:
    alone = joined(tmp_path, D)
    plan = alone.plan(D.envelope, card_of(experts[1], E), E.space_id)
    assert plan.envelope.space_id == D.space_id
    assert plan.figures == {}


def test_two_cuts_of_one_model_need_no_map(tmp_path: Path) -> None:
    cut = D.envelope.model_copy(update={"model": "cut", "dimension": 63, "truncated_from": 64})
    rows = [
        view[:, :63] / np.linalg.norm(view[:, :63], axis=1, keepdims=True)
        for view in (D.document, D.query)
    ]
    small = replace(
        D,
        organisation="f.example",
        envelope=type(cut)(**dict(cut)),
        document=rows[0],
        query=rows[1],
    )
    spaces = joined(tmp_path, D, A, small)
    pair = spaces.all()[0].joined.pair(small.space_id, D.space_id)
    assert pair is not None
    assert pair.direct is not None
    assert pair.direct.mrr["identity"].value >= pair.direct.mrr["procrustes"].value - 0.02


def test_leaving_forgets_the_direct_maps_too(tmp_path: Path) -> None:
    spaces = joined(tmp_path, E, A, D)
    spaces.leave(spaces.all()[0])
    assert list((tmp_path / "adapters").iterdir()) == []
    assert spaces.accepted(E.space_id) == ()
