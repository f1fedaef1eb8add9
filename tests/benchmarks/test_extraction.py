"""The partner of `benchmarks.extraction` still plays, and the limits that it plays against hold."""

import json
from typing import Any

import numpy as np
import pytest

from benchmarks.extraction.estimate import Slabs, inside, inside_most
from benchmarks.extraction.knowledge import unit
from tests.benchmarks.test_benchmarks_run import printed

TINY = (
    "--documents", "150", "--dimension", "32", "--intrinsic", "8", "--clusters", "10",
    "--public", "100", "--seeds", "1", "--enumerate", "20,60", "--reconstruct", "20,700", "--json",
    "--only", "probes max_k = 10", "--only", "share_per_epoch", "--only", "reconstruct floor",
)  # fmt: skip


@pytest.fixture(scope="module")
def runs() -> dict[tuple[str, str], dict[str, Any]]:
    """What one small run reached, by attack and control."""
    figures = json.loads(printed("extraction", *TINY))
    return {(run["attack"], run["control"]): run for run in figures["runs"]}


def test_more_questions_see_more_and_a_limit_on_records_holds(
    runs: dict[tuple[str, str], dict[str, Any]],
) -> None:
    few, many = runs["probes", "max_k = 10"]["values"]
    assert 0 < few < many <= 1
    assert max(runs["neighbours", "share_per_epoch = 0.1"]["values"]) <= 0.1


def test_with_limits_lifted_a_floor_gives_a_vector_away_and_with_them_it_does_not(
    runs: dict[tuple[str, str], dict[str, Any]],
) -> None:
    lifted = runs["floor", "nothing (limits lifted)"]
    limited = runs["floor", "the default: D/8 answers"]
    assert lifted["values"][-1] > 0.99
    assert limited["values"][-1] < 0.95


def test_slabs_around_a_vector_find_it() -> None:
    rng = np.random.default_rng(1)
    truth, start = unit(rng.standard_normal((2, 12)))
    questions = unit(rng.standard_normal((200, 12)))
    low = questions @ truth - 1e-4
    slabs = Slabs(questions, low, low + 2e-4)
    assert inside(slabs, start, np.eye(12)) @ truth > 0.9999
    low[::7] += 0.5  # these speak of another vector
    assert inside_most(Slabs(questions, low, low + 2e-4), start, np.eye(12)) @ truth > 0.9999
