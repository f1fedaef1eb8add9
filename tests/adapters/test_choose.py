import numpy as np
import pytest

from adapters.choose import AFFINE_FITS, candidates, choose, question_candidates
from adapters.identity import fit_identity, fit_mean
from adapters.mixture import PAIRS_A_CLUSTER
from adapters.procrustes import fit_procrustes, mean_shares
from adapters.quality import QualityCard, measure
from adapters.ridge import fit_ridge
from tests.adapters.worlds import SOURCE, TARGET, two_models, unit

FIT, VALID, TEST = slice(0, 400), slice(400, 500), slice(500, 600)


def test_the_map_that_finds_known_items_is_chosen() -> None:
    world = two_models()
    args = (world.source_documents[FIT], world.target_documents[FIT], SOURCE, TARGET)
    chains = [(fit_mean(*args),), (fit_procrustes(*args),), (fit_identity(*args),)]
    choice = choose(chains, world.part(VALID))
    assert choice.index == 1
    assert choice.mrr[1].value > 0.8 > choice.mrr[2].value
    assert choice.lead is not None
    assert choice.lead.low > 0


def test_a_map_is_not_chosen_for_its_cosine() -> None:
    # Always answering with a large mean gives high cosines and finds nothing.
    world = two_models()
    lifted = unit(world.target_documents + 3.0)
    args = (world.source_documents[FIT], lifted[FIT], SOURCE, TARGET)
    near = fit_mean(*args)
    good = fit_procrustes(*args, mean_share=0.0)
    part = world.part(VALID)
    part = type(part)(part.source_questions, part.source_documents, lifted[VALID], lifted[VALID])
    cosines = [
        float(np.mean(np.sum(m.apply(part.source_questions) * lifted[VALID], axis=1)))
        for m in (near, good)
    ]
    assert cosines[0] > cosines[1]
    assert choose([(near,), (good,)], part).index == 1


def test_the_first_of_equals_wins_and_nothing_to_choose_is_an_error() -> None:
    world = two_models()
    args = (world.source_documents[FIT], world.target_documents[FIT], SOURCE, TARGET)
    one = fit_procrustes(*args)
    assert choose([(one,), (one,)], world.part(VALID)).index == 0
    assert choose([(one,)], world.part(VALID)).lead is None
    with pytest.raises(ValueError, match="no map"):
        choose([], world.part(VALID))


def test_candidates_are_all_affine_kinds_and_more_where_the_mean_is_large() -> None:
    world = two_models()
    args = (world.source_documents[FIT], world.target_documents[FIT], SOURCE, TARGET)
    assert [m.kind for m in candidates(*args)] == list(AFFINE_FITS)
    lifted = unit(world.target_documents[FIT] + 1.0)
    tried = candidates(world.source_documents[FIT], lifted, SOURCE, TARGET)
    assert len(tried) == 3 * len(AFFINE_FITS)
    for one, share in zip(tried[3:6], mean_shares(lifted), strict=True):
        again = fit_ridge(world.source_documents[FIT], lifted, SOURCE, TARGET, mean_share=share)
        assert np.allclose(one.bias, again.bias, atol=1e-5)


def test_questions_may_go_through_local_maps_where_anchors_abound() -> None:
    world = two_models(n=2 * PAIRS_A_CLUSTER, d_in=8, d_out=8)
    source, target = world.source_documents, world.target_documents
    few = question_candidates(source[1:], target[1:], SOURCE, TARGET)
    assert [m.kind for m in few] == list(AFFINE_FITS)
    assert question_candidates(source, target, SOURCE, TARGET)[-1].kind == "mixture"


def test_the_quality_card_shows_the_map_beside_baselines_and_both_models() -> None:
    world = two_models()
    args = (world.source_documents[FIT], world.target_documents[FIT], SOURCE, TARGET)
    card = measure(
        (fit_procrustes(*args),),
        {"identity": (fit_identity(*args),), "mean": (fit_mean(*args),)},
        world.part(TEST),
        fitted_on=400,
        chosen_on=100,
    )
    assert (card.fitted_on, card.chosen_on, card.held_out) == (400, 100, 100)
    assert set(card.figures) == {"mrr", "ndcg_10", "recall_10", "overlap_10"}
    assert card.figures["mrr"].value > card.baselines["identity"].high
    assert card.natives["target"].value >= card.figures["mrr"].value - 0.1
    assert QualityCard.from_json(card.as_json()) == card
