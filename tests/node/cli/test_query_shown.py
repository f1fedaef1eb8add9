"""What people see of a merged list: an order that needs a word is explained, and only then."""

from typing import Any

import pytest
from typer.testing import CliRunner

from node.cli.invocation import VerbGroup
from node.cli.query import _exit_code, _explain_route, _show
from node.federation.ask import AskResult, FigureShown, Result, RouteShown, SiloStatus
from node.federation.confidence import WHY


def shown(*held_back: bool) -> tuple[str, str]:
    results = tuple(
        Result(
            place=place,
            organisation="b.example",
            collection="papers",
            own=False,
            reference="r" * 32,
            external_id=None,
            rank=place,
            bin=0.475,
            score_space="sha256:" + "a" * 64,
            route="identity",
            overlap=None,
            request_url=None,
            held_back=held,
        )
        for place, held in enumerate(held_back, 1)
    )
    answer = AskResult(
        question="q", purpose="care", space="s", seed="00", results=(results,), silos=()
    )
    app = VerbGroup()

    @app.command()
    def probe() -> None:
        """Probe."""
        _show(answer)

    done = CliRunner().invoke(app, [])
    assert done.exit_code == 0, done.output
    return done.stdout, done.stderr


def test_a_record_below_lower_scores_is_explained() -> None:
    listed, note = shown(False, False, True, True)
    assert note.startswith("#3, #4: below lower scores, because one partner holds at most half")
    assert "docs/federation.md" in note
    assert "below lower" not in listed


@pytest.mark.parametrize("places", [0, 3])
def test_a_list_in_its_order_needs_no_word(places: int) -> None:
    assert shown(*[False] * places)[1] == ""


def figure(value: float) -> FigureShown:
    return FigureShown(value=value, low=value - 0.02, high=value + 0.02)


def silo(**fields: Any) -> SiloStatus:
    given = {"organisation": "b.example", "collection": "papers", "own": False, "elapsed_ms": 3}
    return SiloStatus.model_validate({"state": "ok", **given, **fields})


def told_of(status: SiloStatus) -> str:
    app = VerbGroup()

    @app.command()
    def probe() -> None:
        """Probe."""
        _explain_route(status)

    done = CliRunner().invoke(app, [])
    assert done.exit_code == 0, done.output
    return done.stderr


def test_a_mapped_answer_says_by_which_maps_and_how_well_they_do() -> None:
    measured = {"mrr": figure(0.81), "ndcg_10": figure(0.7), "overlap_10": figure(0.5)}
    route = RouteShown(kind="ridge+procrustes", verdict="adaptable", figures=measured)
    told = told_of(silo(route=route))
    assert "through ridge+procrustes: MRR 0.81 (0.79 to 0.83), nDCG@10 0.70" in told
    assert "measured here" in told
    claimed = RouteShown(kind="ridge", verdict="adaptable", partner_figures=measured)
    assert "by its own account" in told_of(silo(route=claimed))
    assert "not measured" in told_of(silo(route=RouteShown(kind="ridge", verdict="adaptable")))
    assert told_of(silo(route=RouteShown(kind="identity", verdict="same"))) == ""


def test_low_scores_and_a_missing_way_are_explained() -> None:
    low = RouteShown(
        kind="identity", verdict="same", low_confidence=True, low_confidence_reason=WHY
    )
    assert "b.example/papers: LOW CONFIDENCE: nothing there stands out" in told_of(silo(route=low))
    nowhere = silo(state="no-route", fix="interlingua space join commons.space.json")
    assert told_of(nowhere) == "b.example/papers: interlingua space join commons.space.json\n"


@pytest.mark.parametrize(
    ("states", "code"),
    [
        (("ok",), 0),
        (("ok", "nothing-offered"), 0),
        (("ok", "not-asked", "nothing-offered"), 0),
        (("ok", "nothing-offered", "timeout"), 4),
        (("nothing-offered",), 3),
        (("nothing-offered", "timeout"), 3),
        (("timeout",), 5),
        (("timeout", "denied", "unverifiable"), 6),
    ],
)
def test_the_exit_code_says_whether_something_is_missing(
    states: tuple[str, ...], code: int
) -> None:
    silos = tuple(silo(state=state) for state in states)
    answer = AskResult(question="q", purpose="care", space="s", seed="00", results=(), silos=silos)
    assert _exit_code(answer) == code
    assert answer.partial == (not {*states} <= {"ok", "not-asked", "nothing-offered"})
