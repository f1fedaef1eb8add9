"""docs/policy.md and docs/federation.md say what the code does."""

import re
from pathlib import Path
from typing import get_args

import pytest

from node.federation.ask import SiloState
from node.federation.epochs import EPOCH_S
from node.federation.merge import RRF_K
from node.federation.record_limits import answers_limit
from node.policy.grants import GRANULARITIES, Agreement, Grant, parse_grants
from node.policy.purposes import PURPOSES, nearest
from node.policy.rules import Rule

DOCS = Path(__file__).parents[3] / "docs"
POLICY = (DOCS / "policy.md").read_text("utf-8")
PURPOSE = (DOCS / "purposes.md").read_text("utf-8")
FEDERATION = (DOCS / "federation.md").read_text("utf-8")


def rows(text: str) -> set[str]:
    """What stands in the first cell of a table's rows, in code quotes."""
    return set(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE))


def test_every_field_of_a_grant_is_documented() -> None:
    assert set(Grant.model_fields) <= rows(POLICY)
    assert all(f"`{name}`" in POLICY for name in Agreement.model_fields)


def test_every_documented_purpose_is_one_of_the_code() -> None:
    listed = dict(re.findall(r"^\| `([^`]+)` \| (\S+) \|", PURPOSE, re.M))
    assert listed.keys() == {purpose.name for purpose in PURPOSES}
    for purpose in PURPOSES:
        assert (purpose.duo or "own") in listed[purpose.name]
        assert purpose.meaning in PURPOSE


@pytest.mark.parametrize(
    ("name", "near"),
    [("reserch", "research"), ("clinical_care", "clinical-care"), ("zzz", None)],
)
def test_a_misspelt_purpose_is_told_its_nearest(name: str, near: str | None) -> None:
    assert nearest(name) == near


def test_every_granularity_and_rule_is_documented() -> None:
    assert {*GRANULARITIES, *get_args(Rule)} <= rows(POLICY)


def test_the_documented_defaults_are_those_of_the_code() -> None:
    (grant,) = parse_grants(
        'peer = "a.example"\ncollection = "c"\npurposes = ["p"]\nlabels = ["l"]\n', "x"
    )
    for name, shown in (
        ("granularity", f"`{grant.granularity}`"),
        ("bin_width", f"`{grant.bin_width / 1000}`"),
        ("max_k", f"`{grant.max_k}`"),
        ("smallest_count", f"`{grant.smallest_count}`"),
        ("rate", f"`{grant.rate}`"),
        ("queries_per_day", f"`{grant.queries_per_day}`"),
        ("near_duplicates_per_day", f"`{grant.near_duplicates_per_day}`"),
    ):
        assert re.search(rf"^\| `{name}` \|[^|]*\| {re.escape(shown)} \|", POLICY, re.MULTILINE)


def test_the_examples_are_grants() -> None:
    examples = re.findall(r"```toml\n(.*?)```", POLICY, re.DOTALL)
    assert [len(parse_grants(text, "docs/policy.md")) for text in examples] == [1, 2]


def test_every_state_of_a_silo_is_documented() -> None:
    assert set(get_args(SiloState)) <= rows(FEDERATION)


def test_figures_in_the_text_are_those_of_the_code() -> None:
    assert f"({EPOCH_S // (7 * 86_400)} weeks)" in POLICY
    limits = answers_limit(384, True, None), answers_limit(384, False, None)
    assert limits == (384 // 8, 384 // 8)
    assert answers_limit(384, False, 10_000) == 384
    assert f"1 / ({RRF_K} + rank)" in FEDERATION
