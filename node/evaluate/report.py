"""What an evaluation found, as values for programs; `tables.py` says it to people.

Every figure is a mean over the judged questions with its 95% bootstrap interval. Differences and
ratios are paired: the same questions, drawn together.
"""

from pydantic import BaseModel, ConfigDict

from adapters.metrics import Estimate
from node.evaluate.measures import Figures


class Row(BaseModel):
    """Base: rows are never changed."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)


class Native(Row):
    """A model asked by itself, over one index of all documents: what no federation can have."""

    model: str
    dimension: int
    figures: Figures


class RouteFigures(Row):
    """One route of one asker to one responder, who is taken to hold all documents.

    `role`: `chosen` by anchors alone, `chosen of its kind` (hub or direct), or empty.
    `overlap_10` is agreement with the responder's own model on these questions,
    `promised_overlap_10` what held-out anchors had promised for the chosen route. `against_asker`
    and `against_responder` are paired differences in nDCG@10 to either model asked by itself.
    """

    asker: str
    responder: str
    route: str
    role: str
    figures: Figures
    overlap_10: Estimate
    promised_overlap_10: float | None
    against_asker: Estimate
    against_responder: Estimate


class MergeFigures(Row):
    """One way to merge the lists of all silos, for one asker, or pooled over all askers.

    `against_rrf` is the paired difference in nDCG@10 to merging by ranks alone, `of_rrf` the ratio,
    `of_oracle` the ratio to one index of all documents under the asker's own model.
    """

    split: str
    asker: str
    method: str
    figures: Figures
    against_rrf: Estimate
    of_rrf: Estimate | None
    of_oracle: Estimate | None


class SelectionFigures(Row):
    """One merged list where only some of the partners' silos are asked, pooled over all askers.

    `asked` of the `partners` silos besides the own one, `chosen` as `selecting.py` names it;
    `figures` are nDCG@10 and recall@10, the ratios are to the list of all silos.
    """

    split: str
    asked: int
    partners: int
    chosen: str
    figures: Figures
    ndcg_of_all: Estimate | None
    recall_of_all: Estimate | None


class SplitShape(Row):
    """How many documents each silo holds, and with which model."""

    split: str
    documents: tuple[int, ...]
    models: tuple[str, ...]


class Evaluation(Row):
    """The whole.

    `anchors`: their set's id, their number, and on how many the maps were fitted; `known_texts` of
    them are texts of the data set too, which flatters every route. `k`: candidates that each silo
    gives. `seed`: of split, ties and intervals.
    """

    data: str
    documents: int
    questions: int
    left_out: tuple[str, ...]
    anchors: str
    anchor_texts: int
    fitted_on: int
    known_texts: int
    k: int
    seed: int
    natives: tuple[Native, ...]
    routes: tuple[RouteFigures, ...]
    splits: tuple[SplitShape, ...]
    merges: tuple[MergeFigures, ...]
    selections: tuple[SelectionFigures, ...]
