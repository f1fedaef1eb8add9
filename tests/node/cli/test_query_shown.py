"""What people see of a merged list: an order that needs a word is explained, and only then."""

import pytest
from typer.testing import CliRunner

from node.cli.invocation import VerbGroup
from node.cli.query import _show
from node.federation.ask import AskResult, Result


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
