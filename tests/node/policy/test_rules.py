"""The rules of a question: the first that fails decides, and says why."""

from dataclasses import replace

import pytest

from node.policy.policy import read_policy
from node.policy.rules import Asked, Rule, rule_on

POLICY = read_policy(
    {
        "lab.toml": """
[[grant]]
peer = "lab.example"
collection = "trials"
purposes = ["research"]
labels = ["open"]
granularity = "ranks"
filterable = ["year"]
max_k = 5
expires = 2027-01-01
agreement = { id = "DSA-12", until = 2026-06-30, digest = \
"sha256:0000000000000000000000000000000000000000000000000000000000000000" }

[[grant]]
peer = "lab.example"
collection = "trials"
purposes = ["care"]
labels = ["open", "ward"]
"""
    },
    1,
)
SPRING = 1_775_000_000  # 2026-03-31
AUTUMN = 1_790_000_000  # 2026-09-21
LATER = 1_800_000_000  # 2027-01-15
ASKED = Asked("lab.example", "trials", "research", 5)


def test_a_question_within_its_grant_is_allowed_at_the_grants_granularity() -> None:
    ruling = rule_on(POLICY, ASKED, SPRING)
    assert ruling.allowed
    assert ruling.grant is not None
    assert ruling.granularity == "ranks"
    assert ruling.grant.max_k == 5


def test_each_purpose_has_its_own_grant() -> None:
    ruling = rule_on(POLICY, replace(ASKED, purpose="care", k=10), LATER)
    assert ruling.allowed
    assert ruling.granularity == "bins"


def test_a_filter_by_a_granted_field_is_allowed() -> None:
    assert rule_on(POLICY, replace(ASKED, filter=("year",)), SPRING).allowed


def test_a_peer_may_ask_for_less_than_it_is_granted() -> None:
    ruling = rule_on(POLICY, replace(ASKED, granularity="count"), SPRING)
    assert ruling.allowed
    assert ruling.granularity == "count"


@pytest.mark.parametrize(
    ("asked", "at", "rule"),
    [
        (replace(ASKED, peer="rival.example"), SPRING, "collection"),
        (replace(ASKED, collection="images"), SPRING, "collection"),
        (replace(ASKED, purpose="marketing"), SPRING, "purpose"),
        (ASKED, LATER, "grant-expired"),
        (replace(ASKED, agreement="DSA-13"), SPRING, "agreement"),
        (replace(ASKED, purpose="care", agreement="DSA-12"), SPRING, "agreement"),
        (ASKED, AUTUMN, "agreement-expired"),
        (replace(ASKED, granularity="bins"), SPRING, "granularity"),
        (replace(ASKED, k=6), SPRING, "k"),
        (replace(ASKED, filter=("year", "ward")), SPRING, "filter"),
    ],
)
def test_the_first_rule_that_fails_decides(asked: Asked, at: int, rule: Rule) -> None:
    ruling = rule_on(POLICY, asked, at)
    assert not ruling.allowed
    assert ruling.deciding.rule == rule
    assert ruling.granularity is None


def test_a_refusal_for_want_of_a_grant_reads_the_same_whether_the_collection_exists() -> None:
    known = rule_on(POLICY, replace(ASKED, peer="rival.example"), SPRING).deciding
    unknown = rule_on(POLICY, replace(ASKED, peer="rival.example", collection="x"), SPRING).deciding
    assert known.rule == unknown.rule


def test_a_ruling_is_remembered_for_this_policy_question_and_second_alone() -> None:
    assert rule_on(POLICY, ASKED, SPRING) is rule_on(POLICY, ASKED, SPRING)
    assert rule_on(POLICY, ASKED, SPRING).allowed
    assert not rule_on(POLICY, ASKED, LATER).allowed
    assert not rule_on(POLICY, replace(ASKED, k=6), SPRING).allowed
    assert not rule_on(read_policy({}, 2), ASKED, SPRING).allowed
