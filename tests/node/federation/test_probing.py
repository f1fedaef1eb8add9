"""Probing: questions that hardly differ are noticed, in whatever direction; others are not."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from node.federation.probing import Probe, Probes, Sketcher

SCOPE = ("lab.example", "docs", 20_000)
SKETCHER = Sketcher(bytes(range(32)))
DIMENSION = 96


class Log:
    def __init__(self) -> None:
        self.kept: dict[bytes, bytes] = {}

    def probes(self, peer: str, collection: str, day: int) -> Sequence[tuple[bytes, bytes]]:
        return list(self.kept.items()) if (peer, collection, day) == SCOPE else []

    def commit(self, probes: Sequence[Probe]) -> None:
        self.kept.update((probe.mark, probe.sketch) for probe in probes)


def around(angle: float, count: int, seed: int = 0) -> NDArray[np.float32]:
    """Vectors (count, DIMENSION) that lie at `angle` from one point, in random directions."""
    draw = np.random.default_rng(seed)
    centre = np.eye(DIMENSION)[0]
    sideways = draw.normal(size=(count, DIMENSION))
    sideways[:, 0] = 0
    sideways /= np.linalg.norm(sideways, axis=1, keepdims=True)
    found: NDArray[np.float32] = (np.cos(angle) * centre + np.sin(angle) * sideways).astype("f4")
    return found


def admitted(vectors: NDArray[np.float32], limit: int) -> int:
    """How many questions are admitted, one after the other."""
    probes = Probes(Log().probes)
    return sum(probes.reserve(SCOPE, (probe,), limit) for probe in SKETCHER.probes(vectors))


@pytest.mark.parametrize("angle", [1e-6, 1e-3, 0.03, 0.1])
def test_feeling_around_one_point_ends_at_the_limit(angle: float) -> None:
    # a sketch is an estimate: at its edge one or two more may pass
    assert 10 <= admitted(around(angle, 200), limit=10) <= 12


@pytest.mark.parametrize("angle", [0.6, 1.2])
def test_different_questions_about_one_topic_are_not_probing(angle: float) -> None:
    assert admitted(around(angle, 200), limit=10) == 200


def test_bisecting_between_two_questions_ends_at_the_limit() -> None:
    one, other = around(1.0, 2).astype(float)
    shares = 1 - 0.5 ** np.arange(1, 60)
    path = (1 - shares)[:, None] * one + shares[:, None] * other
    assert admitted(path.astype("f4"), limit=8) < 20


def test_the_same_vector_again_is_no_second_question() -> None:
    (probe,) = SKETCHER.probes(around(0.0, 1))
    probes = Probes(Log().probes)
    assert all(probes.reserve(SCOPE, (probe, probe), 1) for _ in range(9))


def test_a_batch_that_passes_the_limit_takes_nothing() -> None:
    batch = SKETCHER.probes(around(0.01, 6))
    probes = Probes(Log().probes)
    assert not probes.reserve(SCOPE, batch, 5)
    assert probes.reserve(SCOPE, batch[:5], 5)


def test_another_node_sketches_otherwise() -> None:
    vectors = around(0.3, 1)
    assert Sketcher(bytes(32)).probes(vectors)[0].sketch != SKETCHER.probes(vectors)[0].sketch


@given(
    st.lists(
        st.tuples(st.integers(0, 7), st.sampled_from(["commit", "give back", "lose", "keep"])),
        max_size=60,
    )
)
def test_no_more_near_questions_are_remembered_than_the_limit(
    steps: list[tuple[int, str]],
) -> None:
    near = SKETCHER.probes(around(0.01, 8))
    log, limit = Log(), 3
    probes, held = Probes(log.probes), list[Probe]()
    for number, end in steps:
        probe = near[number]
        known = probe.mark in log.kept or probe in held
        taken = len({*log.kept, *(each.mark for each in held)})
        assert probes.reserve(SCOPE, (probe,), limit) == (known or taken < limit)
        if not known and taken >= limit:
            continue
        if end == "commit":
            log.commit((probe,))
            probes.settle(SCOPE, (probe,))
        elif end == "keep":
            held.append(probe)
        else:
            if end == "lose":
                probes.reload()
            probes.release(SCOPE, (probe,))
    assert len(log.kept) <= limit


def test_a_reset_forgets_what_was_answered_and_keeps_what_is_under_way() -> None:
    answered, under_way, next_ = SKETCHER.probes(around(0.01, 3))
    probes = Probes(Log().probes)
    for probe in (answered, under_way):
        assert probes.reserve(SCOPE, (probe,), 2)
    probes.settle(SCOPE, (answered,))
    assert not probes.reserve(SCOPE, (next_,), 2)
    probes.reset(SCOPE[0], None)
    assert probes.reserve(SCOPE, (next_,), 2)
    assert not probes.reserve(SCOPE, (answered,), 2)


def test_one_vector_under_many_filters_is_many_near_questions() -> None:
    probes, vector = Probes(Log().probes), around(0.0, 1)
    asked = [SKETCHER.probes(vector, b"%d" % year) for year in range(20)]
    assert sum(probes.reserve(SCOPE, each, 5) for each in asked) == 5
    assert probes.reserve(SCOPE, SKETCHER.probes(vector, b"0"), 5), "its answer is known"
