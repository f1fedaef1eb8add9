"""The whole evaluation from encoded texts on: fit, choose, route, split, merge, judge.

Nothing here asks a running node, and nothing crosses to anybody: all members are models of the one
who evaluates. What a real federation adds (grants, floors, budgets, an approximate index) is left
out, and so is what it cannot do, apart from the line that names one index of everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from node.evaluate.candidates import Scoring, candidates_of, scoring_of
from node.evaluate.data_set import DataSet
from node.evaluate.measures import PerQuestion
from node.evaluate.member import Member
from node.evaluate.merging import judged_merges, merge_figures
from node.evaluate.report import Evaluation, MergeFigures, SelectionFigures, SplitShape
from node.evaluate.routes import (
    Judge,
    Ways,
    native_figures,
    parties_of,
    route_figures,
    ways_between,
)
from node.evaluate.selecting import Asked, judged_selections, selection_figures
from node.evaluate.splits import split_documents
from node.operations.registry import Progress
from node.spaces.anchor_set import AnchorSet
from node.spaces.create import create_space
from node.spaces.maps import Ground

NAME, AUTHOR = "evaluation", "evaluation.example"
ALIKE_CHARACTERS = 80


@dataclass(frozen=True)
class Plan:
    """What to evaluate.

    Attributes:
        splits: ways to split, as `splits.py` names them.
        silos: how many silos; silo i has the model of member i modulo their number.
        k: candidates that each silo gives.
        seed: of splits and ties.
    """

    splits: tuple[str, ...]
    silos: int
    k: int
    seed: int


@dataclass(frozen=True, eq=False)
class Fitted:
    """Members with their maps and ways, and what each finds by itself."""

    members: Sequence[Member]
    ground: Ground
    ways: Ways
    scoring: Scoring
    natives: list[PerQuestion]
    fitted_on: int


def evaluate(
    name: str,
    data: DataSet,
    anchors: AnchorSet,
    members: Sequence[Member],
    plan: Plan,
    progress: Progress,
) -> Evaluation:
    """Evaluate a federation of `members`, each with its anchors, on `data`.

    Raises:
        EmbeddingsRefused: the anchors cannot carry maps between these models.
        CannotSplit: see `splits.py`.
    """
    judge = Judge(data)
    progress(0, None, "fitting maps")
    fitted = fit(anchors, members, judge)
    progress(0, None, "measuring routes")
    routes = route_figures(fitted.ways, members, fitted.natives, judge)
    shapes, merges, selections = [], [], []
    for number, how in enumerate(plan.splits):
        progress(number, len(plan.splits), "splits")
        shape, rows, selected = merges_of(how, data, fitted, plan, judge)
        shapes.append(shape)
        merges += rows
        selections += selected
    return Evaluation(
        data=name,
        documents=len(data.documents),
        questions=len(data.questions),
        left_out=data.left_out,
        anchors=anchors.set_id,
        anchor_texts=len(anchors.anchors),
        fitted_on=fitted.fitted_on,
        known_texts=known_texts(anchors, data),
        k=plan.k,
        seed=plan.seed,
        natives=tuple(native_figures(members, fitted.natives)),
        routes=tuple(routes),
        splits=tuple(shapes),
        merges=tuple(merges),
        selections=tuple(selections),
    )


def known_texts(anchors: AnchorSet, data: DataSet) -> int:
    """Return how many anchors are texts of the data set, by how they end: titles may differ."""
    ends = {_end(text) for text in data.documents.values()}
    return sum(_end(text) in ends for text in anchors.texts("document"))


def _end(text: str) -> str:
    return " ".join(text.split())[-ALIKE_CHARACTERS:]


def fit(anchors: AnchorSet, members: Sequence[Member], judge: Judge) -> Fitted:
    """Make the shared space of all members, fit their maps, and choose every way."""
    embeddings = [each.anchors for each in members]
    manifest, positions = create_space(NAME, AUTHOR, anchors, embeddings, 1, 0)
    ground = Ground(manifest, anchors, positions)
    parties = parties_of(members, ground)
    ways = ways_between(ground, parties)
    natives = [judge.natively(each) for each in members]
    return Fitted(
        members, ground, ways, scoring_of(ground, parties, ways), natives, manifest.fitted
    )


def merges_of(
    how: str, data: DataSet, fitted: Fitted, plan: Plan, judge: Judge
) -> tuple[SplitShape, list[MergeFigures], list[SelectionFigures]]:
    """Split the documents, let the first silo of each model ask all, and merge what they give."""
    members = fitted.members
    documents = list(data.documents)
    silo_of = split_documents(
        how, documents, data.metadata, members[0].searched, plan.silos, plan.seed
    )
    models = [silo % len(members) for silo in range(plan.silos)]
    found: dict[str, dict[str, PerQuestion]] = {}
    selected = []
    for asker in range(min(len(members), plan.silos)):
        silos = candidates_of(
            asker, asker, silo_of, models, members, fitted.ways, fitted.scoring, plan.k
        )
        found[members[asker].name] = judged_merges(silos, documents, judge, plan.seed)
        asked = Asked(members[asker].questions, silos, asker, plan.seed)
        selected.append(judged_selections(asked, documents, silo_of, judge))
    oracles = {
        member.name: values["ndcg_10"]
        for member, values in zip(members, fitted.natives, strict=True)
        if member.name in found
    }
    held = tuple(int((silo_of == silo).sum()) for silo in range(plan.silos))
    shape = SplitShape(
        split=how, documents=held, models=tuple(members[model].name for model in models)
    )
    return shape, merge_figures(how, found, oracles), selection_figures(how, selected)
