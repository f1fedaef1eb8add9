"""Every part of the benchmark of speed still runs, tiny, and its figures have their form."""

from pathlib import Path

import pytest

from benchmarks.speed.parts import Bench
from benchmarks.speed.plan import FULL, QUICK, TINY, Plan
from benchmarks.speed.ratios import ratios
from benchmarks.speed.report import report
from benchmarks.speed.stages import STAGES


def test_every_part_is_measured_once_and_its_ratios_are_named(tmp_path: Path) -> None:
    bench = Bench(TINY, tmp_path)
    figures = bench.run(TINY.parts)
    assert list(figures["parts"]) == list(TINY.parts)
    figures["ratios"] = found = ratios(figures["parts"], TINY.main)
    for name in (
        "node_qps_1_clients / hnswlib_qps_alone",
        "node_qps_batches_of_4 / hnswlib_qps_batches_of_4",
        "responder_us / sum_of_primitives_us",
        "longest_ms_with_unwell_partners / deadline_ms",
        "node_documents_per_second / hnswlib_add_items_per_second",
    ):
        assert found[name] > 0
    for route in figures["parts"]["stages"]["routes"]:
        assert set(route["stages_us"]) == {*STAGES, "commit", "rest"}
        assert all(route["stages_us"][stage] > 0 for stage in (*STAGES, "commit"))
    assert set(figures["parts"]["stages"]["primitives_us"]) > {"verify", "search", "commit", "sign"}
    assert all(name in report(figures) for name in found)
    unwell = figures["parts"]["fan-out"]["runs"][-1]["with_unwell"]["states"]
    assert unwell["hanging.example"] == "timeout"
    assert unwell["failing.example"] == "unreachable"
    for peer in ("chroma", "pgvector"):
        assert "requirements/bench.sh" in figures["parts"][peer]["left_out"]
    bench_again = Bench(TINY, tmp_path)
    assert bench_again.run(TINY.parts)["parts"] == figures["parts"]


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


@pytest.mark.parametrize("plan", [QUICK, FULL], ids=lambda plan: plan.name)
def test_plans_measure_what_the_ratios_divide(plan: Plan) -> None:
    assert {1, 16, 64} <= set(plan.clients)
    assert {8, 64, 256} == set(plan.batches)
    assert plan.main in plan.sizes
    assert plan.world.dimension == 384
