"""Which best scores are usual in a shared space: measured as they are told, on held-out anchors."""

import numpy as np

from adapters.confidence import low_confidence
from adapters.map import Floats
from node.spaces.maps import Party, fit_inward
from node.spaces.usual_scores import usual_natively, usual_scores
from tests.node.spaces.consortium import ground, members


def parties() -> list[Party]:
    return [Party(each, fit_inward(ground(), each), {}) for each in members()]


def test_a_question_about_nothing_is_low_and_a_known_item_is_not() -> None:
    me, *others = parties()
    usual = usual_scores(ground(), me, others, me.inward["ridge"])
    assert usual is not None
    assert usual.questions >= 100
    known = low_confidence([usual.mean], usual)
    stray = np.random.default_rng(1).standard_normal(ground().positions.positions.shape[1])
    documents = me.inward["ridge"].apply(me.embeddings.document)
    best = float((documents @ (stray / np.linalg.norm(stray))).max())
    assert not known.low
    assert low_confidence([best], usual).z < known.z


def test_what_is_told_is_what_is_measured() -> None:
    me, *others = parties()
    plain = usual_scores(ground(), me, others, me.inward["ridge"])

    def lower(cosines: Floats, documents: Floats) -> Floats:
        assert cosines.shape[1] == len(documents)
        return np.asarray(cosines - 0.25, dtype=np.float32)

    shifted = usual_scores(ground(), me, others, me.inward["ridge"], lower)
    assert plain is not None
    assert shifted is not None
    assert abs(plain.mean - shifted.mean - 0.25) < 1e-5


def test_within_the_own_space_a_known_item_is_usual_and_a_stray_question_low() -> None:
    own = members()[0]
    usual = usual_natively(ground(), own)
    assert usual is not None
    rows = ground().anchors.split.test
    best = (own.query[rows] @ own.document.T).max(axis=1)
    flagged = np.mean([low_confidence([float(score)], usual).low for score in best])
    assert flagged < 0.15
    stray = np.random.default_rng(2).standard_normal(own.document.shape[1])
    nothing = float((own.document @ (stray / np.linalg.norm(stray))).max())
    assert low_confidence([nothing], usual).z < low_confidence([usual.mean], usual).z
