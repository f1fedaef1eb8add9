"""Agreement is measured in the own documents, with questions that both sides have embedded."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from adapters.map import Floats
from adapters.metrics import Estimate
from keys.signer import SeedSigner
from node.spaces.agreement import (
    DEPTH,
    OTHER_FIELD,
    SAMPLE,
    Agreement,
    Samples,
    Search,
    agreement,
    over_askers,
)
from node.spaces.errors import EmbeddingsRefused
from node.spaces.join import Joining
from node.spaces.manifest import sign_manifest
from node.spaces.report import space_info
from node.spaces.spaces import Spaces
from protocol.card import Figure
from tests.node.spaces.consortium import created, ground, joining_of, members

OWN, *OTHERS = members()


async def nearest(rows: Floats) -> list[list[int]]:
    """Search the own documents of the fit part."""
    scores = rows @ OWN.document[ground().anchors.split.fit].T
    return [list(map(int, found)) for found in np.argsort(-scores, axis=1)[:, :DEPTH]]


def joining() -> Joining:
    return joining_of(OWN, *OTHERS)


async def found_with(samples: Samples, search: Search = nearest) -> dict[str, Agreement]:
    return await agreement(ground(), joining().parties, joining().joined.pairs, search, samples)


async def test_without_sample_questions_it_is_an_estimate_with_a_wide_interval() -> None:
    asked: list[int] = []

    async def search(rows: Floats) -> list[list[int]]:
        asked.append(len(rows))
        return await nearest(rows)

    found = await found_with(Samples(), search)
    assert set(found) == {other.space_id for other in OTHERS}
    for each in found.values():
        assert not each.measured
        assert 0.2 < each.figure.value < 1.0
        assert each.figure.high - each.figure.low >= 2 * OTHER_FIELD - 0.2
    assert asked
    assert max(asked) <= SAMPLE


async def test_with_shared_sample_questions_it_is_measured() -> None:
    samples = Samples(OWN, {other.space_id: other for other in OTHERS})
    found = await found_with(samples)
    for each in found.values():
        assert each.measured
        assert each.questions == SAMPLE
        assert each.figure.high - each.figure.low < 0.2


async def test_whoever_finds_the_same_agrees_wholly() -> None:
    async def search(rows: Floats) -> list[list[int]]:
        return [[1, 2, 3]] * len(rows)

    found = await found_with(Samples(OWN, {OTHERS[0].space_id: OTHERS[0]}), search)
    figure = found[OTHERS[0].space_id].figure
    assert (figure.value, figure.low, figure.high) == (1.0, 1.0, 1.0)


def test_sample_questions_of_others_must_be_the_own_ones() -> None:
    other = replace(OTHERS[0], anchors="sha256:" + "0" * 64)
    with pytest.raises(EmbeddingsRefused, match="others than those embedded here"):
        Samples(OWN, {other.space_id: other})


def test_one_figure_over_askers_covers_all_of_them_and_measured_ones_come_first() -> None:
    low = Agreement(Estimate(0.4, 0.3, 0.5), measured=True, questions=100)
    high = Agreement(Estimate(0.6, 0.5, 0.8), measured=True, questions=100)
    guess = Agreement(Estimate(0.1, 0.0, 0.3), measured=False, questions=50)
    assert over_askers([]) == {}
    assert over_askers([low, guess, high]) == {"agreement_10": Estimate(0.5, 0.3, 0.8)}
    assert over_askers([guess]) == {"agreement_10_estimated": guess.figure}


def test_the_card_carries_what_was_measured_beside_both_natives(tmp_path: Path) -> None:
    manifest, positions = created()
    agreed = Agreement(Estimate(0.5, 0.4, 0.6), measured=True, questions=100)
    measured = joining().agreeing({other.space_id: agreed for other in OTHERS})
    for folder in ("spaces", "adapters"):
        (tmp_path / folder).mkdir()
    spaces = Spaces.open(tmp_path / "spaces", tmp_path / "adapters")
    raw = sign_manifest(manifest, [SeedSigner.generate()])
    spaces.keep(manifest, raw, positions.encoded, measured, OTHERS)
    best = spaces.routes(OWN.space_id)[0]
    assert {
        "mrr", "ndcg_10", "mrr_native", "ndcg_10_native", "mrr_asker", "ndcg_10_asker",
        "overlap_10", "agreement_10",
    } <= set(best.quality)  # fmt: skip
    assert best.quality["agreement_10"] == Figure(milli=500, low=400, high=600)
    (joined,) = spaces.all()
    assert set(space_info(joined).agreement) == {other.organisation for other in OTHERS}
