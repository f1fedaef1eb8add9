from dataclasses import replace

import numpy as np
import pytest

from adapters.choose import AFFINE_FITS
from node.spaces.errors import CannotJoin, EmbeddingsRefused, ManifestRefused
from node.spaces.join import join
from node.spaces.manifest import Positions
from node.spaces.maps import Ground
from tests.adapters.worlds import unit
from tests.node.spaces.consortium import (
    AT,
    created,
    embeddings,
    ground,
    joining_of,
    members,
    unseen,
)

A, B, C = members()


def test_routes_are_measured_in_both_directions_with_every_member() -> None:
    joined = joining_of(A, B, C).joined
    assert {(pair.asker, pair.responder) for pair in joined.pairs} == {
        ("a.example", "b.example"),
        ("b.example", "a.example"),
        ("a.example", "c.example"),
        ("c.example", "a.example"),
    }
    assert joined.consensus_apart is not None


def test_a_route_finds_nearly_what_the_responders_model_finds_and_far_more_than_nothing() -> None:
    joined = joining_of(A, B, C).joined
    for pair in joined.pairs:
        mrr, card = pair.card.figures["mrr"].value, pair.card
        assert mrr > card.natives["target"].value - 0.1
        assert mrr > card.baselines["identity"].value + 0.3
        assert mrr > card.baselines["mean"].value + 0.3


def test_the_chosen_pair_of_kinds_is_the_best_of_all_on_the_validation_part() -> None:
    joined = joining_of(A, B).joined
    for pair in joined.pairs:
        assert set(pair.mrr) == {f"{one}>{other}" for one in AFFINE_FITS for other in AFFINE_FITS}
        best = max(figure.value for figure in pair.mrr.values())
        assert pair.mrr[f"{pair.in_kind}>{pair.out_kind}"].value == best


def test_fit_choice_and_measure_use_different_anchors() -> None:
    card = joining_of(A, B).joined.pairs[0].card
    assert card.fitted_on + card.chosen_on + card.held_out == 600


def test_every_map_that_is_named_is_there() -> None:
    joining = joining_of(A, B)
    named = {each.adapter for each in joining.joined.maps}
    assert named == set(joining.adapters)
    assert len(named) == 2 * len(AFFINE_FITS)


def test_a_member_whose_views_were_exchanged_is_refused() -> None:
    late = embeddings("d.example", 18, 44)
    noise = 0.25 * np.random.default_rng(1).normal(size=late.query.shape)
    asked = unit(late.query + noise)  # so that a question finds less than its document does
    as_it_is = replace(late, query=asked)
    assert join(ground(), A, [as_it_is], AT, unseen).joined.pairs
    exchanged = replace(late, document=asked, query=late.document)
    with pytest.raises(EmbeddingsRefused, match=r"views were exchanged"):
        join(ground(), A, [exchanged], AT, unseen)


def test_a_member_enrols_later_and_nothing_else_changes() -> None:
    late = embeddings("d.example", 18, 44)
    before = joining_of(A, B, C)
    joined = join(ground(), late, [A, B, C], AT, unseen).joined
    after = join(ground(), A, [B, C, late], AT, unseen)
    assert set(before.adapters) == set(after.adapters)
    assert [known.founder for known in after.joined.members] == [True, True, False]
    for pair in joined.pairs:
        assert pair.card.figures["mrr"].value > 0.7


def test_alone_a_member_is_measured_with_its_own_questions() -> None:
    joined = join(ground(), A, [], AT, unseen).joined
    assert joined.pairs == []
    assert joined.outward[0].quality.figures["mrr"].value > 0.7
    assert joined.usual_in in AFFINE_FITS


def test_two_computations_give_the_same_adapters() -> None:
    assert joining_of(A, B) == join(ground(), A, [B], AT, unseen)


def test_a_founder_joins_with_the_embeddings_that_are_pinned() -> None:
    drifted = replace(A, document=unit(A.document + 0.01))
    with pytest.raises(CannotJoin, match="pins other embeddings"):
        join(ground(), drifted, [B], AT, unseen)
    with pytest.raises(EmbeddingsRefused, match=r"of a\.example are not those"):
        join(ground(), B, [drifted], AT, unseen)


@pytest.mark.parametrize("stray", ["held out", "beyond the set"])
def test_a_consensus_on_other_anchors_than_the_fit_part_is_refused_without_its_founders(
    stray: str,
) -> None:
    whole = ground()
    rows = whole.positions.rows.copy()
    rows[-1] = 10_000 if stray == "beyond the set" else whole.anchors.split.test[0]
    order = np.argsort(rows)
    positions = Positions(whole.positions.positions[order], rows[order])
    manifest = whole.manifest.model_copy(update={"consensus": positions.digest})
    late = embeddings("d.example", 18, 44)
    with pytest.raises(ManifestRefused, match="kept for choosing and measuring"):
        join(Ground(manifest, whole.anchors, positions), late, [A], AT, unseen)


def test_a_model_that_says_the_same_to_everything_cannot_enrol() -> None:
    flat = np.tile(unit(np.ones((1, 8))), (600, 1))
    dull = replace(embeddings("d.example", 8, 4), document=flat, query=flat)
    with pytest.raises(EmbeddingsRefused, match="hardly differ"):
        join(ground(), dull, [A], AT, unseen)


def test_texts_of_which_the_own_model_makes_nothing_are_left_out() -> None:
    late = embeddings("d.example", 18, 44)
    document = late.document.copy()
    document[::20] = 0.0
    joined = join(ground(), replace(late, document=document), [A], AT, unseen).joined
    card = joined.pairs[0].card
    assert card.fitted_on + card.chosen_on + card.held_out == 570
    assert joined.pairs[0].card.figures["mrr"].value > 0.7


def test_a_space_where_vectors_have_any_length_is_joined_by_direction() -> None:
    plain = embeddings("d.example", 18, 44)
    envelope = plain.envelope.model_copy(update={"normalisation": "none"})
    lengths = np.random.default_rng(3).uniform(0.5, 2.0, size=(600, 1)).astype(np.float32)
    free = replace(
        plain, envelope=envelope, document=plain.document * lengths, query=plain.query * lengths
    )
    manifest, positions = created()
    joined = join(Ground(manifest, ground().anchors, positions), free, [A], AT, unseen).joined
    assert min(pair.card.figures["mrr"].value for pair in joined.pairs) > 0.6
