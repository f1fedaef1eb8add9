"""The quality card: what was measured on anchors that neither fit nor choice has seen.

Beside the map itself it always names what doing nothing would give (identity, mean), and what both
models reach among themselves, since retention alone flatters a weak responder.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from adapters.map import Chain, Floats
from adapters.metrics import (
    Estimate,
    Values,
    estimate,
    known_item_ndcg,
    known_item_ranks,
    known_item_recall,
    overlap,
    reciprocal_ranks,
    top_k,
)


@dataclass(frozen=True)
class HeldOut:
    """Anchors of one part in both spaces: row i of all four is the same text, in its two views.

    `source_*` (n, d_in) in the asker's space, `target_*` (n, d_out) in the responder's. Rows have
    length 1 where their space says so. Documents may go on after the n that are asked for: the
    further rows are there to be confused with.
    """

    source_questions: Floats
    source_documents: Floats
    target_questions: Floats
    target_documents: Floats


@dataclass(frozen=True)
class QualityCard:
    """Figures of one map, or of one map into the hub followed by one out of it.

    `figures` holds mrr, ndcg_10, recall_10 (known items) and overlap_10 (agreement with the target
    model's own top ten, which is not quality). `baselines` are MRR by identity and mean, `natives`
    MRR of the source's and of the target's own model on the same questions.
    """

    fitted_on: int
    chosen_on: int
    held_out: int
    figures: dict[str, Estimate]
    baselines: dict[str, Estimate]
    natives: dict[str, Estimate]

    def as_json(self) -> dict[str, Any]:
        """Return plain values for files and tables."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "QualityCard":
        """Read what `as_json` made; KeyError or TypeError for anything else."""
        return cls(
            fitted_on=int(value["fitted_on"]),
            chosen_on=int(value["chosen_on"]),
            held_out=int(value["held_out"]),
            figures=_estimates(value["figures"]),
            baselines=_estimates(value["baselines"]),
            natives=_estimates(value["natives"]),
        )


def _estimates(value: dict[str, Any]) -> dict[str, Estimate]:
    return {name: Estimate(**figure) for name, figure in value.items()}


def mapped(vectors: Floats, maps: Chain) -> Floats:
    """Return (n, d) vectors after one map or several in a row."""
    for one in maps:
        vectors = one.apply(vectors)
    return vectors


def known_item_values(maps: Chain, part: HeldOut) -> Values:
    """Return the reciprocal rank per question: mapped questions against the target's documents."""
    ranks = known_item_ranks(mapped(part.source_questions, maps), part.target_documents)
    return reciprocal_ranks(ranks)


def route_values(maps: Chain, part: HeldOut) -> dict[str, Values]:
    """Return mrr, ndcg_10, recall_10 and overlap_10 of maps in a row, one value per question."""
    questions = mapped(part.source_questions, maps)
    ranks = known_item_ranks(questions, part.target_documents)
    found = top_k(questions, part.target_documents)
    native = top_k(part.target_questions, part.target_documents)
    return {
        "mrr": reciprocal_ranks(ranks),
        "ndcg_10": known_item_ndcg(ranks),
        "recall_10": known_item_recall(ranks),
        "overlap_10": overlap(found, native),
    }


def measure(
    maps: Chain,
    baselines: Mapping[str, Chain],
    part: HeldOut,
    *,
    fitted_on: int,
    chosen_on: int,
) -> QualityCard:
    """Return the quality card of `maps`, applied in a row, on held-out anchors."""
    source = known_item_ranks(part.source_questions, part.source_documents)
    target = known_item_ranks(part.target_questions, part.target_documents)
    return QualityCard(
        fitted_on=fitted_on,
        chosen_on=chosen_on,
        held_out=len(part.source_questions),
        figures={name: estimate(values) for name, values in route_values(maps, part).items()},
        baselines={
            name: estimate(known_item_values(chain, part)) for name, chain in baselines.items()
        },
        natives={
            "source": estimate(reciprocal_ranks(source)),
            "target": estimate(reciprocal_ranks(target)),
        },
    )
