"""Every part of the benchmark of speed still runs, tiny, and its figures have their form."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from benchmarks.one_node.intrinsic import estimated
from benchmarks.one_node.kept import Kept
from benchmarks.speed.parts import Bench
from benchmarks.speed.plan import FULL, QUICK, TINY, Plan
from benchmarks.speed.ratios import ratios
from benchmarks.speed.report import report
from benchmarks.speed.stages import STAGES
from benchmarks.speed.wanted import WANTED, beside


def test_every_part_is_measured_once_and_its_ratios_are_named(tmp_path: Path) -> None:
    bench = Bench(TINY, tmp_path)
    figures = bench.run(TINY.parts)
    assert not figures["failed"]
    assert list(figures["parts"]) == list(TINY.parts)
    figures["ratios"] = found = ratios(figures["parts"], TINY.main)
    for name in (
        "node_qps_1_clients / hnswlib_qps_alone",
        "node_qps_batches_of_4 / hnswlib_qps_batches_of_4",
        "responder_us / sum_of_primitives_us",
        "longest_ms_with_unwell_partners / deadline_ms",
        "node_documents_per_second / hnswlib_add_items_per_second",
        "node_p99_while_ingesting / node_p99_idle",
    ):
        assert found[name] > 0
    node = figures["parts"][f"node-{TINY.main}"]
    ways = {(run["route"], run["clients"], run["batch"]): run for run in node["node"]}
    asked = ((1, 1), (2, 1), (4, 4))
    assert set(ways) == {(route, *way) for route in ("same model", "shared space") for way in asked}
    assert all(run["verified"] == TINY.verified and not run["short"] for run in ways.values())
    assert ways["same model", 1, 1]["recall"] > 0.9
    assert node["bare"]["recall"] > 0.9
    for route in figures["parts"]["stages"]["routes"]:
        assert set(route["stages_us"]) == {*STAGES, "commit", "rest"}
        taken = {stage for stage, us in route["stages_us"].items() if us > 0}
        # where question and documents are of one model, the search's own cosines are the scores
        own = {"re-score"} if route["route"] == "same model" else set()
        assert taken >= {*STAGES, "commit"} - own
    assert set(figures["parts"]["stages"]["primitives_us"]) > {"verify", "search", "commit", "sign"}
    assert all(name in report(figures) for name in found)
    unwell = figures["parts"]["fan-out"]["runs"][-1]["with_unwell"]["states"]
    assert unwell["hanging.example"] == "timeout"
    assert unwell["failing.example"] == "unreachable"
    for peer in ("chroma", "pgvector"):
        assert "requirements/bench.sh" in figures["parts"][peer]["left_out"]
    assert Bench(TINY, tmp_path).run(TINY.parts)["parts"] == figures["parts"]


def test_a_run_that_was_cut_off_goes_on_where_it_was(tmp_path: Path) -> None:
    kept, measured = Kept(tmp_path), list[int]()

    def rounds(fails_at: int) -> list[int]:
        def one(number: int) -> int:
            if number == fails_at:
                raise KeyboardInterrupt
            measured.append(number)
            return number

        given = {"questions": 8}
        return [kept.figure(f"part/round-{n}", given, partial(one, n)) for n in range(3)]

    with pytest.raises(KeyboardInterrupt):
        rounds(fails_at=2)
    assert rounds(fails_at=-1) == [0, 1, 2]
    assert measured == [0, 1, 2]
    kept.figure("part/round-0", {"questions": 9}, lambda: measured.append(9))
    kept.forget(["part"])
    rounds(fails_at=-1)
    assert measured == [0, 1, 2, 9, 0, 1, 2]


def test_a_part_that_fails_does_not_cost_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: Bench) -> None:
        raise RuntimeError("no partner answers")

    monkeypatch.setattr(Bench, "_fan_out", fails)
    figures = Bench(TINY, tmp_path).run(["fan-out", "chroma"])
    assert list(figures["parts"]) == ["chroma"]
    assert figures["failed"] == {"fan-out": "RuntimeError: no partner answers"}
    assert "no partner answers" in report({**figures, "ratios": {}})


def test_growth_divides_the_medians_of_the_largest_and_the_smallest_collection() -> None:
    parts = {
        f"node-{documents}": {
            "shape": {"documents": documents},
            "bare": {"single": 1.0, "median_us": bare_us, "cpu_us": 1.0, "batched": {}},
            "node": [
                {"route": "same model", "clients": 1, "batch": 1, "p50_ms": p50, "node_ms": None}
                | {"per_second": 1.0}
            ],
        }
        for documents, p50, bare_us in ((10, 2.0, 50.0), (100, 2.5, 60.0), (1000, 5.0, 150.0))
    }
    found = ratios(parts, 100)
    assert found["node_p50_1000 / node_p50_10"] == 2.5
    assert found["hnswlib_p50_1000 / hnswlib_p50_10"] == 3.0
    shown = list(beside({"parts": parts, "ratios": found}))
    assert ("growth of the median from 10 to 1,000 documents", "at most 2.5", "2.5", "yes") in shown
    assert len(shown) == len(WANTED)


def test_the_intrinsic_dimension_is_measured_as_it_was_made() -> None:
    for intrinsic in (4, 10):
        rng = np.random.default_rng(intrinsic)
        rows = rng.normal(size=(3_000, intrinsic + 1))  # on a sphere: one dimension less
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        assert estimated(rows.astype(np.float32), 500) == pytest.approx(intrinsic, rel=0.2)


@pytest.mark.parametrize("plan", [QUICK, FULL], ids=lambda plan: plan.name)
def test_plans_measure_what_the_ratios_divide(plan: Plan) -> None:
    assert {1, 16, 64} <= set(plan.clients)
    assert {8, 64, 256} == set(plan.batches)
    assert plan.main in plan.whole
    assert set(plan.whole) <= set(plan.sizes)
    assert plan.world.dimension == 384
    assert list(plan.expected) == list(plan.parts)


def test_the_quick_plan_takes_a_quarter_of_an_hour_and_what_is_alike_is_measured_once() -> None:
    assert sum(QUICK.expected.values()) <= 15 * 60
    assert json.dumps(vars(QUICK.world)) == json.dumps(vars(FULL.world))
    assert (QUICK.questions, QUICK.verified) == (FULL.questions, FULL.verified)
