"""What people see of a new encoder: whose model it is, under this name or another."""

import pytest
from typer.testing import CliRunner

from node.cli.encoder import _show_added
from node.cli.invocation import VerbGroup
from node.operations.encoders import AddedEncoder, Likeness
from tests.protocol.samples import envelope

SPACE = "sha256:" + "a" * 64


def shown(kind: str, apart: float) -> tuple[str, str]:
    like = Likeness.model_validate(
        {
            "kind": kind, "holder": "clinic.example", "space": SPACE, "model": "theirs",
            "apart": apart, "words": "in words", "reasons": ("probe: far",),
        }
    )  # fmt: skip
    added = AddedEncoder(
        name="own",
        kind="openai",
        space=envelope().space_id,
        envelope=envelope(),
        settings={},
        likenesses=(like,),
    )
    app = VerbGroup()

    @app.command()
    def probe() -> None:
        """Probe."""
        _show_added(added)

    done = CliRunner().invoke(app, [])
    assert done.exit_code == 0, done.output
    return done.stdout, done.stderr


def test_a_space_that_is_shared_is_named_with_its_holder() -> None:
    assert "one space with theirs of clinic.example (probe sketches 0.0010 apart" in "".join(
        shown("shared", 0.001)
    )


@pytest.mark.parametrize(
    ("kind", "word"),
    [("same-model", f"add it with --as {SPACE}"), ("same-name", "NOT the model of the same name")],
)
def test_what_a_person_should_act_on_is_a_note(kind: str, word: str) -> None:
    _, note = shown(kind, 0.07)
    assert word in note
    assert "0.0700 apart, in words" in note
