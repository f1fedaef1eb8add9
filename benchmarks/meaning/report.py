"""The benchmark's figures as one object, and as the tables of the results page."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from adapters.metrics import Estimate
from benchmarks.meaning.figures import Size
from benchmarks.meaning.merges import Merge
from node.evaluate.report import SelectionFigures
from node.evaluate.tables import interval, signed


class Meaning(BaseModel):
    """The whole; `kept` is the share of the value at the most anchors that fewer keep.

    `merged_with`: anchors on which the maps behind merges and selections were fitted.
    """

    python: str
    numpy: str
    data: str
    documents: int
    questions: int
    anchor_set: str
    models: list[str]
    natives: dict[str, Estimate]
    sizes: list[Size]
    kept: dict[int, Estimate | None]
    silos: int
    k: int
    seeds: int
    merged_with: int
    merges: list[Merge]
    selections: list[SelectionFigures]


def as_markdown(found: Meaning) -> str:
    """Return all tables."""
    parts = (_natives(found), _sizes(found), *map(_pairs, found.sizes[-1:]), _agreement(found))
    return "\n\n".join("\n".join(part) for part in (*parts, _merges(found), _selections(found)))


def _natives(found: Meaning) -> Iterator[str]:
    yield from _head("model", "nDCG@10 by itself")
    for name, figure in found.natives.items():
        yield _row(name, interval(figure))


def _sizes(found: Meaning) -> Iterator[str]:
    yield from _head("anchors", "fitted on", "chosen routes, mean nDCG@10", "of the largest set",
                     "loss of the choice, mean", "largest")  # fmt: skip
    for size in found.sizes:
        kept = found.kept[size.anchors]
        yield _row(
            f"{size.anchors:,}",
            f"{size.fitted_on:,}",
            f"{size.mean_chosen:.3f}",
            "" if kept is None else interval(kept),
            f"{size.mean_loss:.3f}",
            f"{size.largest_loss:.3f}",
        )


def _pairs(size: Size) -> Iterator[str]:
    yield from _head("asker -> responder", "asker's own, responder's own", "chosen",
                     "to asker's own", "to responder's own", "kept", "best in hindsight",
                     "chosen hub - best direct")  # fmt: skip
    for each in size.pairs:
        yield _row(
            f"{each.asker} -> {each.responder}",
            f"{each.asker_native.value:.3f}, {each.responder_native.value:.3f}",
            f"{each.chosen} {interval(each.routes[each.chosen])}",
            signed(each.against_asker),
            signed(each.against_responder),
            "" if each.retention is None else interval(each.retention),
            f"{each.best} {each.routes[each.best].value:.3f}",
            signed(each.hub_against_best_direct),
        )


def _agreement(found: Meaning) -> Iterator[str]:
    yield from _head("asker -> responder", "overlap@10 promised by held-out anchors", "found",
                     "apart", "estimated from the questions' scores", "apart",
                     "promised by 100 questions", "found on the others", "apart")  # fmt: skip
    for each in found.sizes[-1].pairs:
        yield _row(
            f"{each.asker} -> {each.responder}",
            *_promise(each.promised, each.overlap),
            *_promise(each.estimated, each.overlap)[::2],
            *_promise(each.sampled, each.overlap_of_others),
        )


def _promise(promised: Estimate | None, found: Estimate | None) -> tuple[str, str, str]:
    if promised is None or found is None:
        return "", "", ""
    apart = abs(promised.value - found.value)
    return interval(promised), interval(found), f"{apart:.3f}"


def _merges(found: Meaning) -> Iterator[str]:
    yield from _head("split", "merged by", "nDCG@10", "of RRF", "of one index", *found.models)
    for each in found.merges:
        yield _row(
            each.split,
            each.method,
            f"{each.ndcg_10:.3f}",
            "" if each.of_rrf is None else interval(each.of_rrf),
            "" if each.of_oracle is None else interval(each.of_oracle),
            *(f"{each.by_asker[name]:.3f}" for name in found.models),
        )


def _selections(found: Meaning) -> Iterator[str]:
    yield from _head("split", "asked", "chosen", "nDCG@10", "recall@10", "nDCG@10 of all",
                     "recall@10 of all")  # fmt: skip
    for each in sorted(found.selections, key=lambda one: (one.split, -one.asked, one.chosen)):
        yield _row(
            each.split,
            f"{each.asked} of {each.partners}",
            each.chosen,
            interval(each.figures["ndcg_10"]),
            interval(each.figures["recall_10"]),
            "" if each.ndcg_of_all is None else interval(each.ndcg_of_all),
            "" if each.recall_of_all is None else interval(each.recall_of_all),
        )


def _head(*columns: str) -> Iterator[str]:
    yield _row(*columns)
    yield _row(*["---"] * len(columns))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
