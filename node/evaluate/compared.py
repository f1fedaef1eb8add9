"""What a comparison of maps shows; light, because the command line imports it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from node.spaces.report import FigureRow

Figures = dict[str, FigureRow]
Point = tuple[float, float]


class Shown(BaseModel):
    """Base: what is shown is never changed."""

    model_config = ConfigDict(frozen=True)


class MapFigures(Shown):
    """One route: MRR on the validation part, by which routes are chosen, and the test part's.

    `figures` holds mrr, ndcg_10, recall_10 and overlap_10. `role`: `chosen`, `chosen of its kind`,
    `baseline` or empty.
    """

    route: str
    role: str
    validation_mrr: FigureRow
    figures: Figures


class Curve(Shown):
    """MRR of the chosen direct map by number of anchors, and what twice as many should add."""

    anchors: tuple[int, ...]
    mrr: tuple[FigureRow, ...]
    doubled: FigureRow


class Picture(Shown):
    """Held-out anchors in the two main directions of the responder's space.

    `responder` are its own vectors, `before` the asker's as they come (cut or padded), `after` the
    same through the chosen route; `overlaps` the agreement of each question's ten.
    """

    responder: tuple[Point, ...]
    before: tuple[Point, ...]
    after: tuple[Point, ...]
    overlaps: tuple[float, ...]


class PairComparison(Shown):
    """One asker and one responder; `natives` are both models asked by themselves.

    `fit_s` are the seconds in which all direct maps, and all maps of the shared space, were fitted.
    """

    asker: str
    responder: str
    fitted_on: int
    held_out: int
    natives: dict[str, Figures]
    routes: tuple[MapFigures, ...]
    fit_s: dict[str, float]
    curve: Curve | None
    picture: Picture


class Comparison(Shown):
    """Every ordered pair that was compared."""

    pairs: tuple[PairComparison, ...]
