"""An evaluation as tables: rows of text, for the terminal and for a Markdown file alike."""

from collections.abc import Iterator
from dataclasses import dataclass

from adapters.metrics import Estimate
from node.evaluate.merging import POOLED, RRF, SENT
from node.evaluate.report import Evaluation


@dataclass(frozen=True)
class Table:
    """A title, the names of the columns, and rows of the same width."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


def tables(found: Evaluation, *, whole: bool = True) -> list[Table]:
    """Return the tables, in the order in which they are to be read.

    Unless `whole`, routes that nobody would choose are left out, as are what else is known of the
    others, and each asker's lists by any other method than the node's own and plain ranks.
    """
    splits = [each.split for each in found.splits]
    selections = [_selections(found, split) for split in splits]
    return [
        _natives(found),
        _routes(found) if whole else _chosen_routes(found),
        *(_merges(found, split, whole) for split in splits),
        *(each for each in selections if len(each.rows) > 1),
    ]


def as_markdown(found: Evaluation) -> str:
    """Return the whole as a Markdown document."""
    return "\n".join([f"# {found.data}", "", *heading(found), *_bodies(found)])


def heading(found: Evaluation) -> list[str]:
    """Return the sentences that say what was measured."""
    return [
        f"{found.documents} documents, {found.questions} judged questions; maps fitted on"
        f" {found.fitted_on} of {found.anchor_texts} anchors.",
        *(f"{each}." for each in found.left_out),
        *_warning(found),
        "nDCG@10 with gain 2^grade - 1; seeded 95% bootstrap intervals over questions; differences"
        " are paired.",
    ]


def _warning(found: Evaluation) -> Iterator[str]:
    if found.known_texts:
        yield (
            f"{found.known_texts} of the anchors are texts of this data set, so that every route"
            " looks better than it would be on documents that nobody has shared."
        )


def _bodies(found: Evaluation) -> Iterator[str]:
    for each in tables(found):
        yield ""
        yield f"## {each.title}"
        yield ""
        yield _row(each.columns)
        yield _row(["---"] * len(each.columns))
        yield from (_row(row) for row in each.rows)
    yield ""


def _row(cells: tuple[str, ...] | list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _natives(found: Evaluation) -> Table:
    return Table(
        "Each model by itself, over one index of everything",
        ("MODEL", "DIMENSIONS", "NDCG@10", "RECALL@10", "RECALL@100", "MRR"),
        [
            (
                each.model,
                str(each.dimension),
                interval(each.figures["ndcg_10"]),
                *(f"{each.figures[name].value:.3f}" for name in ("recall_10", "recall_100", "mrr")),
            )
            for each in found.natives
        ],
    )


def _routes(found: Evaluation) -> Table:
    return Table(
        "Each route, as if the responder held everything",
        ("ASKER", "RESPONDER", "ROUTE", "NDCG@10", "RECALL@10", "RECALL@100", "MRR",
         "TO ASKER'S OWN", "TO RESPONDER'S OWN", "OVERLAP@10", "PROMISED"),
        [
            (
                each.asker,
                each.responder,
                each.route + {"chosen": " *", "": ""}.get(each.role, " +"),
                interval(each.figures["ndcg_10"]),
                *(f"{each.figures[name].value:.3f}" for name in ("recall_10", "recall_100", "mrr")),
                signed(each.against_asker),
                signed(each.against_responder),
                f"{each.overlap_10.value:.3f}",
                "" if each.promised_overlap_10 is None else f"{each.promised_overlap_10:.3f}",
            )
            for each in found.routes
        ],
    )  # fmt: skip


def _chosen_routes(found: Evaluation) -> Table:
    return Table(
        "Routes that are chosen by anchors, as if the responder held everything",
        ("ASKER", "RESPONDER", "ROUTE", "NDCG@10", "RECALL@10", "TO ASKER'S OWN",
         "TO RESPONDER'S OWN"),
        [
            (
                each.asker,
                each.responder,
                each.route + (" *" if each.role == "chosen" else " +"),
                interval(each.figures["ndcg_10"]),
                f"{each.figures['recall_10'].value:.3f}",
                signed(each.against_asker),
                signed(each.against_responder),
            )
            for each in found.routes
            if each.role
        ],
    )  # fmt: skip


def _merges(found: Evaluation, split: str, whole: bool) -> Table:
    (shape,) = (each for each in found.splits if each.split == split)
    held = ", ".join(
        f"{number} with {model}"
        for number, model in zip(shape.documents, shape.models, strict=True)
    )
    rows = [
        each
        for each in found.merges
        if each.split == split and (whole or each.asker == POOLED or each.method in (RRF, SENT))
    ]
    rows.sort(key=lambda each: each.asker == POOLED)
    return Table(
        f"One list out of all silos, split by {split} ({held}; {found.k} candidates each)",
        ("ASKER", "MERGED BY", "NDCG@10", "RECALL@10", "RECALL@100", "MRR", "OF RRF",
         "OF ONE INDEX"),
        [
            (
                each.asker,
                each.method,
                interval(each.figures["ndcg_10"]),
                *(f"{each.figures[name].value:.3f}" for name in ("recall_10", "recall_100", "mrr")),
                _times(each.of_rrf),
                _times(each.of_oracle),
            )
            for each in rows
        ],
    )  # fmt: skip


def _selections(found: Evaluation, split: str) -> Table:
    rows = [each for each in found.selections if each.split == split]
    rows.sort(key=lambda each: (-each.asked, each.chosen))
    return Table(
        f"Asking fewer silos, split by {split} (the own one and some of the partners', all askers)",
        ("ASKED", "CHOSEN", "NDCG@10", "RECALL@10", "NDCG@10 OF ALL", "RECALL@10 OF ALL"),
        [
            (
                f"{each.asked} of {each.partners}",
                each.chosen,
                interval(each.figures["ndcg_10"]),
                interval(each.figures["recall_10"]),
                _times(each.ndcg_of_all),
                _times(each.recall_of_all),
            )
            for each in rows
        ],
    )


def interval(figure: Estimate) -> str:
    """Return a figure with its interval."""
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def signed(figure: Estimate) -> str:
    """Return a difference with its interval."""
    return f"{figure.value:+.3f} ({figure.low:+.3f} to {figure.high:+.3f})"


def _times(figure: Estimate | None) -> str:
    if figure is None:
        return "-"
    return f"x{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f})"
