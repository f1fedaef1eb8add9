"""A policy: one digest for one meaning, one grant for one question."""

import pytest

from node.policy.diff import difference
from node.policy.errors import GrantInvalid
from node.policy.policy import Policy, read_policy

TWO = """
[[grant]]
peer = "lab.example"
collection = "trials"
purposes = ["research"]
labels = ["open"]
rate = 90

[[grant]]
peer = "lab.example"
collection = "notes"
purposes = ["audit"]
labels = ["*"]
rate = 30
"""
SWAPPED = """
[[grant]]  # the same, told otherwise
labels = ["*"]
collection = "notes"
purposes = ["audit"]
peer = "lab.example"
rate = 30
"""
FIRST = TWO.split("[[grant]]")[1]


def test_the_digest_is_of_the_meaning_not_of_the_layout() -> None:
    one_file = read_policy({"all.toml": TWO}, 1)
    two_files = read_policy({"b.toml": SWAPPED, "a.toml": FIRST}, 9)
    assert one_file.digest == two_files.digest
    assert one_file.grants == two_files.grants


def test_any_change_of_meaning_changes_the_digest() -> None:
    before = read_policy({"all.toml": TWO}, 1)
    after = read_policy({"all.toml": TWO.replace("rate = 90", "rate = 91")}, 1)
    assert before.digest != after.digest != Policy().digest


def test_two_grants_may_not_speak_for_one_purpose() -> None:
    with pytest.raises(GrantInvalid, match="purpose audit"):
        read_policy({"a.toml": TWO, "b.toml": SWAPPED}, 1)


def test_the_rate_of_a_peer_is_the_largest_of_its_grants() -> None:
    policy = read_policy({"all.toml": TWO}, 1)
    assert policy.rate("lab.example") == 90
    assert policy.rate("stranger.example") == 60


def test_a_difference_names_what_appears_disappears_and_changes() -> None:
    before = read_policy({"all.toml": TWO}, 1)
    added = FIRST.replace("trials", "images")
    changed = FIRST.replace("rate = 90", "rate = 9").replace('["open"]', '["open", "trial"]')
    after = read_policy({"a.toml": added, "b.toml": changed}, 2)
    assert [(c.kind, c.collection) for c in difference(before, after)] == [
        ("added", "images"),
        ("removed", "notes"),
        ("changed", "trials"),
    ]
    assert difference(before, after)[2].fields == {
        "labels": (["open"], ["open", "trial"]),
        "rate": (90, 9),
    }
    assert difference(before, before) == []
