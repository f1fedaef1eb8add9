"""The pictures of a comparison: learning curve, agreement, both spaces before and after.

They need matplotlib, the extra `plot`; only this file knows it. Nothing is shown on a screen.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from node.evaluate.compared import PairComparison
from node.evaluate.errors import CannotDraw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Format = Literal["svg", "png"]


def draw(pair: PairComparison, folder: Path, kind: Format = "svg") -> list[Path]:
    """Write up to three pictures of a pair into a folder, and return their paths.

    Raises:
        CannotDraw: matplotlib is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{pair.asker}-to-{pair.responder}"
    written = [_spaces(pair, folder / f"{stem}-spaces.{kind}")]
    written.append(_agreement(pair, folder / f"{stem}-agreement.{kind}"))
    if pair.curve is not None:
        written.append(_learning(pair, folder / f"{stem}-learning.{kind}"))
    return written


def _learning(pair: PairComparison, path: Path) -> Path:
    figure, (axes,) = _figure(1)
    curve = pair.curve
    if curve is not None:
        values = [each.value for each in curve.mrr]
        below = [each.value - each.low for each in curve.mrr]
        above = [each.high - each.value for each in curve.mrr]
        axes.errorbar(curve.anchors, values, [below, above], marker="o", capsize=3)
        axes.set_xscale("log", base=2)
        axes.set_xticks(curve.anchors, [f"{each:,}" for each in curve.anchors])
        axes.set_title(f"twice as many would bring {curve.doubled.value:+.3f} MRR")
    axes.set_xlabel("anchors that the direct map is fitted on")
    axes.set_ylabel("MRR of known items")
    return _saved(figure, path)


def _agreement(pair: PairComparison, path: Path) -> Path:
    figure, (axes,) = _figure(1)
    axes.hist(pair.picture.overlaps, bins=[(step - 0.5) / 10 for step in range(12)], rwidth=0.9)
    axes.set_xlabel("share of the responder's own ten that the route finds")
    axes.set_ylabel("held-out questions")
    axes.set_title(f"{pair.asker} asks {pair.responder}")
    return _saved(figure, path)


def _spaces(pair: PairComparison, path: Path) -> Path:
    figure, (before, after) = _figure(2)
    for axes, points, title in (
        (before, pair.picture.before, "as they come"),
        (after, pair.picture.after, "through the chosen route"),
    ):
        own_x, own_y = zip(*pair.picture.responder, strict=True)
        axes.scatter(own_x, own_y, s=8, label=pair.responder)
        x, y = zip(*points, strict=True)
        axes.scatter(x, y, s=8, marker="x", label=pair.asker)
        axes.set_title(title)
        axes.set_xticks([])
        axes.set_yticks([])
    before.legend(fontsize="small")
    return _saved(figure, path)


def _figure(columns: int) -> tuple[Any, tuple[Axes, ...]]:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise CannotDraw(
            "pictures need matplotlib, which is not installed",
            fix="pip install 'interlingua[plot]'",
        ) from None
    figure = Figure(figsize=(5 * columns, 4), layout="constrained")
    return figure, tuple(figure.subplots(1, columns, squeeze=False)[0])


def _saved(figure: Any, path: Path) -> Path:
    # no date and no random ids: the same figures give the same bytes
    from matplotlib import rc_context

    metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
    with rc_context({"svg.hashsalt": path.name}):
        figure.savefig(path, metadata=metadata)
    return path
