"""docs/audit.md names every leaf type, every finding and every verb that there is."""

from pathlib import Path
from typing import get_args

import pytest

from node.audit.findings import Kind
from node.audit.writer import MAX_WAITING
from node.cli.audit import app
from node.operations.exit_codes import ExitCode
from protocol.account import EDGE_S
from protocol.leaf import AnyLeaf, Leaf
from protocol.reconcile import Contradiction, Gap

TEXT = (Path(__file__).parents[3] / "docs" / "audit.md").read_text("utf-8")
ROWS = [line for line in TEXT.splitlines() if line.startswith("| `")]


def test_every_leaf_type_has_its_row() -> None:
    types = {leaf.model_fields["type"].default for leaf in get_args(AnyLeaf)}
    assert types <= {row.split("`")[1] for row in ROWS}


@pytest.mark.parametrize("leaf", get_args(AnyLeaf), ids=lambda leaf: leaf.__name__)
def test_every_field_is_listed_with_its_type_and_explained(leaf: type[Leaf]) -> None:
    own = set(leaf.model_fields) - {"v", "type", "at", "salt"}
    name = leaf.model_fields["type"].default
    (row,) = [row for row in ROWS if row.startswith(f"| `{name}` | `")]
    listed = {word.strip("`") for word in row.split("|", 2)[2].split() if word != "|"}
    assert own - {"peer"} <= listed <= own
    explained = {word for line in ROWS for word in line.split("|")[1].replace("`", "").split(", ")}
    assert {word.strip() for word in listed} <= {word.strip() for word in explained}


def test_every_finding_is_explained() -> None:
    assert [kind for kind in get_args(Kind) if f"`{kind}`" not in TEXT] == []


def test_every_difference_between_two_sides_is_explained_with_its_weight() -> None:
    weights = dict.fromkeys(get_args(Contradiction), "yes") | dict.fromkeys(get_args(Gap), "no")
    for kind, false in weights.items():
        (row,) = [row for row in ROWS if row.startswith(f"| `{kind}` |")]
        assert row.endswith(f"| {false} |")


def test_every_verb_is_shown() -> None:
    verbs = [c.name or c.callback.__name__ for c in app.registered_commands if c.callback]
    assert [verb for verb in verbs if f"interlingua audit {verb}" not in TEXT] == []


def test_the_numbers_are_the_codes() -> None:
    assert f"more than {MAX_WAITING:,} entries wait" in TEXT
    assert f"each finding is named | {int(ExitCode.UNVERIFIED)} |" in TEXT
    assert f"contradict each other | {int(ExitCode.DIVERGED)} |" in TEXT
    assert f"not covered | {int(ExitCode.PARTIAL)} |" in TEXT
    assert f"{EDGE_S} seconds are left" in TEXT
