"""The pictures of a run, as SVG: rates beside others, stages, growth.

They need matplotlib, the extra `plot`; the rule of this file: it alone knows it, and the same
figures give the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.speed.ratios import runs
from benchmarks.speed.wanted import nodes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Figures = dict[str, Any]


def draw(figures: Figures, folder: Path) -> list[Path]:
    """Write the pictures that the figures allow; none where matplotlib is not installed."""
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        return []
    written = []
    for name, fill in _pictures(figures):
        figure = Figure(figsize=(7, 4), layout="constrained")
        fill(figure.subplots())
        path = folder / f"speed-{name}.svg"
        with rc_context({"svg.hashsalt": path.name}):
            figure.savefig(path, metadata={"Date": None})
        written.append(path)
    return written


def _pictures(figures: Figures) -> Iterator[tuple[str, Any]]:
    parts = figures["parts"]
    main = parts.get(f"node-{figures['plan']['main']}")
    if main is not None:
        yield "rates", lambda axes: _rates(axes, main, parts)
    if "stages" in parts:
        yield "stages", lambda axes: _stages(axes, parts["stages"])
    if len(by_size := nodes(parts)) > 1:
        yield "growth", lambda axes: _growth(axes, by_size)


def _rates(axes: Any, main: Figures, parts: Figures) -> None:
    """Questions a second by number of clients, with the span of the rounds."""
    lines = {"node, signed": [run for (_, batch), run in runs(main).items() if batch == 1]}
    for name in ("chroma", "pgvector"):
        if peer := parts.get(name, {}).get("runs"):
            lines[f"{name}, unsigned"] = peer
    for name, shown in lines.items():
        clients = [run["clients"] for run in shown]
        rates = [run["per_second"] for run in shown]
        below = [run["per_second"] - run["lowest"] for run in shown]
        above = [run["highest"] - run["per_second"] for run in shown]
        axes.errorbar(clients, rates, [below, above], marker="o", capsize=3, label=name)
    axes.set_xscale("log", base=2)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("clients")
    axes.set_ylabel("questions a second")
    axes.legend()


def _stages(axes: Any, part: Figures) -> None:
    """Microseconds of one question by stage, each route, beside the raw primitive."""
    names = list(part["routes"][0]["stages_us"])
    bars = {route["route"]: route["stages_us"] for route in part["routes"]}
    bars["raw primitive"] = part["primitives_us"]
    height = 0.8 / len(bars)
    for number, (label, taken) in enumerate(bars.items()):
        places = [place + number * height for place in range(len(names))]
        axes.barh(places, [taken.get(name, 0.0) for name in names], height, label=label)
    axes.set_yticks([place + 0.4 - height / 2 for place in range(len(names))], names)
    axes.invert_yaxis()
    axes.set_xlabel("microseconds of one question")
    axes.legend()


def _growth(axes: Any, by_size: list[Figures]) -> None:
    """Median of one client, and bare hnswlib's, by number of documents."""
    documents = [part["shape"]["documents"] for part in by_size]
    axes.plot(documents, [runs(part)[1, 1]["p50_ms"] for part in by_size], "o-", label="node")
    bare = [part["bare"]["median_us"] / 1e3 for part in by_size]
    axes.plot(documents, bare, "o-", label="hnswlib, bare")
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("documents")
    axes.set_ylabel("median ms, one client")
    axes.legend()
