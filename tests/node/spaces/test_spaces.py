from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from adapters.choose import AFFINE_FITS
from keys.signer import SeedSigner
from node.federation.routing import NoRoute
from node.spaces.embedding_file import AnchorEmbeddings
from node.spaces.errors import CannotJoin, SpaceExists, UnknownSpace
from node.spaces.manifest import sign_manifest
from node.spaces.spaces import Spaces
from protocol.card import Card, CardLimits, Route
from protocol.envelope import Envelope
from protocol.problems import Code, Refused
from tests.node.spaces.consortium import (
    AT,
    created,
    embeddings,
    ground,
    joining_of,
    members,
)

A, B, C = members()
HUB = created()[0].envelope.space_id
SIGNER = SeedSigner.from_seed(b"1" * 32)


def opened(path: Path) -> Spaces:
    for folder in ("spaces", "adapters"):
        (path / folder).mkdir(parents=True, exist_ok=True)
    return Spaces.open(path / "spaces", path / "adapters")


def joined(path: Path, own: AnchorEmbeddings, *others: AnchorEmbeddings) -> Spaces:
    manifest, positions = created()
    spaces = opened(path)
    joining = joining_of(own, *others)
    raw = sign_manifest(manifest, [SIGNER])
    spaces.keep(manifest, raw, positions.encoded, joining, others)
    return spaces


def card(envelopes: list[Envelope], routes: list[Route]) -> Card:
    return Card(
        organisation="b.example",
        serial=1,
        issued=AT,
        expires=AT + 100,
        root_version=1,
        root_digest="sha256:" + "0" * 64,
        url="https://b.example",
        log_origin="b.example/log",
        log_kid="k" * 43,
        spaces=tuple(envelopes),
        routes=tuple(routes),
        limits=CardLimits(max_query_bytes=2**20, max_batch=1, max_k=10),
    )


def card_of(spaces: Spaces, own: AnchorEmbeddings) -> Card:
    envelopes = {**spaces.envelopes(), own.space_id: own.envelope}
    return card(list(envelopes.values()), spaces.routes(own.space_id))


def test_a_question_asked_by_plan_and_taken_in_finds_its_documents(tmp_path: Path) -> None:
    asker = joined(tmp_path / "a", A, B, C)
    responder = joined(tmp_path / "b", B, A, C)
    plan = asker.plan(A.envelope, card_of(responder, B), B.space_id)
    assert plan.in_map is not None
    inbound = responder.inbound(plan.envelope.space_id, plan.route, B.space_id)
    assert inbound.out_map is not None
    assert inbound.rescore_map is not None
    rows = ground().anchors.split.test
    shared = plan.in_map.apply(A.query[rows])
    found = (inbound.out_map.apply(shared) @ B.document.T).argmax(axis=1)
    scored = (shared @ inbound.rescore_map.apply(B.document).T).argmax(axis=1)
    assert np.mean(found == rows) > 0.8
    assert np.mean(scored == rows) > 0.8
    assert inbound.score_space == HUB
    assert inbound.usual is not None
    assert inbound.figures["mrr"].milli > 800


def test_the_plan_takes_the_kinds_that_were_measured_best(tmp_path: Path) -> None:
    asker = joined(tmp_path / "a", A, B, C)
    responder = joined(tmp_path / "b", B, A, C)
    pair = asker.all()[0].joined.pair(A.space_id, B.space_id)
    assert pair is not None
    plan = asker.plan(A.envelope, card_of(responder, B), B.space_id)
    assert plan.in_map is not None
    assert plan.in_map.kind == pair.in_kind
    by_digest = {route.adapter: route.kind for route in responder.routes(B.space_id)}
    assert by_digest[plan.route] == pair.out_kind
    assert plan.figures["overlap_10"].milli == round(pair.card.figures["overlap_10"].value * 1000)


def test_a_partner_that_was_not_measured_is_asked_by_its_own_first_route(tmp_path: Path) -> None:
    late = embeddings("d.example", 18, 44)
    asker = joined(tmp_path / "a", A, B)
    responder = joined(tmp_path / "d", late, A, B, C)
    plan = asker.plan(A.envelope, card_of(responder, late), None)
    assert plan.route == responder.routes(late.space_id)[0].adapter
    assert plan.figures == {}


def test_within_one_space_nothing_is_mapped(tmp_path: Path) -> None:
    spaces = joined(tmp_path, A, B)
    plan = spaces.plan(A.envelope, card([A.envelope], []), A.space_id)
    assert (plan.in_map, plan.route) == (None, None)
    inbound = spaces.inbound(A.space_id, None, A.space_id)
    assert inbound.out_map is None
    assert inbound.usual is not None
    assert spaces.inbound(B.space_id, None, B.space_id).usual is None  # nothing was joined with it


def test_without_a_common_space_there_is_no_route(tmp_path: Path) -> None:
    spaces = joined(tmp_path, A, B)
    with pytest.raises(NoRoute, match="space join"):
        spaces.plan(A.envelope, card([B.envelope], []), B.space_id)
    with pytest.raises(NoRoute):
        spaces.plan(C.envelope, card_of(spaces, A), A.space_id)


def test_the_card_names_the_routes_best_first_with_their_figures(tmp_path: Path) -> None:
    spaces = joined(tmp_path, A, B, C)
    routes = spaces.routes(A.space_id)
    assert {route.kind for route in routes} == set(AFFINE_FITS)
    assert {(route.space, route.into) for route in routes} == {(HUB, A.space_id)}
    assert set(routes[0].quality) == {
        "mrr", "ndcg_10", "recall_10", "overlap_10",
        "mrr_native", "ndcg_10_native", "mrr_asker", "ndcg_10_asker",
    }  # fmt: skip
    assert routes[0].held_out == len(ground().anchors.split.test)
    assert spaces.accepted(A.space_id) == (HUB,)
    assert spaces.routes(B.space_id) == []


def test_without_a_named_route_the_best_one_is_taken(tmp_path: Path) -> None:
    spaces = joined(tmp_path, A, B)
    first, second, *_ = spaces.routes(A.space_id)
    assert spaces.inbound(HUB, None, A.space_id).adapter == first.adapter
    assert spaces.inbound(HUB, second.adapter, A.space_id).kind == second.kind


def test_questions_from_elsewhere_are_refused_by_code(tmp_path: Path) -> None:
    spaces = joined(tmp_path, A, B)
    with pytest.raises(Refused) as refused:
        spaces.inbound(C.space_id, None, A.space_id)
    assert refused.value.code is Code.SPACE_NOT_ACCEPTED
    for space in (HUB, A.space_id):
        with pytest.raises(Refused) as refused:
            spaces.inbound(space, "sha256:" + "0" * 64, A.space_id)
        assert refused.value.code is Code.ROUTE_UNKNOWN


def test_what_was_joined_is_there_after_a_restart(tmp_path: Path) -> None:
    before = joined(tmp_path, A, B, C)
    after = opened(tmp_path)
    assert after.routes(A.space_id) == before.routes(A.space_id)
    assert after.all()[0].joined == before.all()[0].joined
    known = after.folder(HUB).members()
    assert {each.digest for each in known} == {B.digest, C.digest}


def test_nobody_else_may_look_into_what_joining_keeps(tmp_path: Path) -> None:
    joined(tmp_path, A, B)
    kept = [path for path in (tmp_path / "spaces").rglob("*") if path.is_dir()]
    assert len(kept) == 2
    assert [path for path in kept if path.stat().st_mode & 0o077] == []


def test_two_models_of_one_node_join_one_space(tmp_path: Path) -> None:
    joined(tmp_path, A, B)
    spaces = joined(tmp_path, C, B)
    assert {each.native for each in spaces.find("commons")} == {A.space_id, C.space_id}


@pytest.mark.parametrize("victim", ["adapters/*", "spaces/*/*.json"])
def test_a_damaged_file_closes_the_route_and_not_the_node(tmp_path: Path, victim: str) -> None:
    joined(tmp_path, A, B)
    path = sorted(tmp_path.glob(victim))[0]
    path.write_bytes(path.read_bytes()[:-20])
    spaces = opened(tmp_path)
    assert spaces.all() == []
    assert "cannot be used" in spaces.damaged[0]
    with pytest.raises(Refused):
        spaces.inbound(HUB, None, A.space_id)


def test_an_adapter_of_another_direction_is_not_used(tmp_path: Path) -> None:
    spaces = joined(tmp_path, A, B)
    state = spaces.all()[0].joined
    folder = tmp_path / "adapters"
    inward, outward = (
        folder / f"{digest.removeprefix('sha256:')}.safetensors"
        for digest in (state.inward[0].adapter, state.outward[0].map.adapter)
    )
    outward.write_bytes(inward.read_bytes())
    assert opened(tmp_path).all() == []


def test_joining_again_with_other_embeddings_of_the_model_is_refused(tmp_path: Path) -> None:
    spaces = joined(tmp_path, A, B)
    manifest = created()[0]
    spaces.check_again(manifest, A)
    spaces.check_again(manifest, C)
    drifted = replace(A, document=A.document[::-1].copy())
    with pytest.raises(CannotJoin, match="joined with other embeddings"):
        spaces.check_again(manifest, drifted)
    spaces.leave(spaces.all()[0])
    spaces.check_again(manifest, drifted)


def test_a_name_belongs_to_one_space(tmp_path: Path) -> None:
    spaces = joined(tmp_path, A, B)
    other = created()[0].model_copy(update={"consensus": "sha256:" + "1" * 64})
    other.__dict__.pop("envelope", None)
    with pytest.raises(SpaceExists):
        spaces.check_name(other)
    with pytest.raises(UnknownSpace, match="no-such"):
        spaces.find("no-such")


def test_after_leaving_there_is_no_route_and_the_other_model_stays(tmp_path: Path) -> None:
    joined(tmp_path, A, B)
    spaces = joined(tmp_path, C, B)
    (own,) = [each for each in spaces.all() if each.native == A.space_id]
    spaces.leave(own)
    assert spaces.routes(A.space_id) == []
    assert [each.native for each in opened(tmp_path).all()] == [C.space_id]
    assert len(list((tmp_path / "adapters").iterdir())) == 2 * len(AFFINE_FITS)
    again = joined(tmp_path, A, *spaces.folder(HUB).members())
    assert again.routes(A.space_id) != []
