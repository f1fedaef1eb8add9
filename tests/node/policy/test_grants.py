"""Grant files: complete and known, or one error that names file, grant, field and remedy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.policy.errors import GrantInvalid
from node.policy.grants import Grant, parse_grants

FULL = """
peer = "lab.example"
collection = "trials"
purposes = ["research", "audit"]
labels = ["open"]
granularity = "ranks"
bin_width = 0.1
max_k = 25
floor = 0.215
rate = 120
queries_per_day = 5000
scored_answers = 12
expires = 2027-01-01
request_url = "https://clinic.example/apply"

[agreement]
id = "DSA-12"
digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
until = 2027-03-01T00:00:00Z
"""
SMALL = 'peer = "lab.example"\ncollection = "trials"\npurposes = ["research"]\nlabels = ["open"]\n'


def one(text: str) -> Grant:
    (grant,) = parse_grants(text, "lab.toml")
    return grant


def test_a_file_may_hold_one_grant_at_its_top_level() -> None:
    grant = one(FULL)
    assert (grant.peer, grant.collection, grant.purposes) == (
        "lab.example",
        "trials",
        ("audit", "research"),
    )
    assert (grant.bin_width, grant.floor, grant.granularity) == (100, 215, "ranks")
    assert grant.agreement is not None
    assert grant.agreement.until == 1803859200


def test_a_file_may_hold_several_grants() -> None:
    text = "[[grant]]\n" + SMALL + "[[grant]]\n" + SMALL.replace("research", "audit")
    assert [g.purposes for g in parse_grants(text, "all.toml")] == [("research",), ("audit",)]


def test_a_date_holds_through_the_end_of_its_day() -> None:
    assert one(SMALL + "expires = 2027-01-01\n").expires == 1798848000  # 2027-01-02T00:00:00Z


def test_what_is_left_out_is_the_cautious_choice() -> None:
    grant = one(SMALL)
    assert (grant.granularity, grant.bin_width, grant.max_k) == ("bins", 50, 10)
    assert (grant.rate, grant.queries_per_day, grant.has_floor) == (60, 1000, False)


def test_only_an_explicit_star_shows_every_document() -> None:
    assert one(SMALL).visible == frozenset({"open"})
    assert one(SMALL.replace('"open"', '"*"')).visible is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("quota = 5\n", "quota is not known"),
        ("querys_per_day = 5\n", "did you mean queries_per_day?"),
        ("record_per_epoch = 5\n", "did you mean records_per_epoch?"),
        ('agreement = { id = "A", digst = "x" }\n', "instead of digst, did you mean digest?"),
        ('agreement = { id = "A B" }\n', "printable ASCII without spaces"),
        ('filterable = ["a b"]\n', "must name a field of the metadata"),
        ("share_per_epoch = 1.5\n", "share_per_epoch"),
        ("near_duplicates_per_day = 0\n", "near_duplicates_per_day must be 1 or more"),
        ("max_k = 0\n", "max_k"),
        ("max_k = 1001\n", "max_k"),
        ('max_k = "5"\n', "max_k"),
        ("bin_width = 0.02\n", "never finer"),
        ("bin_width = 0.07\n", "never finer"),
        ("bin_width = 5.0\n", "bin_width"),
        ("floor = 0.1234\n", "three decimals"),
        ("floor = nan\n", "decimals"),
        ("floor = 1e999999999\n", "decimals"),
        ("floor = 0.20000000000000000000000000000001\n", "decimals"),
        ("expires = 9999-12-31\n", "9999-12-31"),
        ("floor = true\n", "number"),
        ('expires = "2027-01-01"\n', "without quotes"),
        ("expires = 2027-01-01T00:00:00\n", "offset"),
        ('granularity = "scores"\n', "granularity"),
        ('request_url = "javascript:alert(1)"\n', "request_url"),
        ('agreement = { id = "A", until = 2027-01-01 }\n', "agreement.digest"),
    ],
)
def test_a_wrong_field_is_named(change: str, message: str) -> None:
    with pytest.raises(GrantInvalid, match=r"lab\.toml, grant 1") as caught:
        one(SMALL + change)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        SMALL.replace("lab.example", "Lab Example"),
        SMALL.replace('["research"]', '["Re search"]'),
        SMALL + 'request_url = "example"\n',
        SMALL + "max_k = 0\n",
    ],
)
def test_a_message_speaks_neither_of_patterns_nor_as_a_library_does(text: str) -> None:
    with pytest.raises(GrantInvalid) as caught:
        one(text)
    for word in ("pattern", "^", "Input", "string", "Value error"):
        assert word not in str(caught.value)


def test_an_empty_file_grants_nothing() -> None:
    assert parse_grants("# withdrawn\n", "lab.toml") == ()


@pytest.mark.parametrize("field", ["peer", "collection", "purposes", "labels"])
def test_a_grant_without_its_essentials_is_none(field: str) -> None:
    text = "".join(line + "\n" for line in SMALL.splitlines() if not line.startswith(field))
    with pytest.raises(GrantInvalid, match=field):
        one(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("peer = ", "not TOML"),
        ("[grant]\n" + SMALL, "two brackets"),
        ('peer = "x"\n[[grant]]\n' + SMALL, "beside"),
        (SMALL.replace('["open"]', "[]"), "labels"),
        (SMALL.replace('["open"]', '["*", "open"]'), "every document"),
        (SMALL.replace('["research"]', '["research", "research"]'), "twice"),
        (SMALL.replace("lab.example", "Lab Example"), "peer"),
        ("[[grant]]\n", "peer"),
        ("grant = [1]\n", "grant 1"),
    ],
)
def test_a_file_that_is_no_grant_is_refused(text: str, message: str) -> None:
    with pytest.raises(GrantInvalid, match=r"lab\.toml") as caught:
        parse_grants(text, "lab.toml")
    assert message in str(caught.value)


@given(st.text(max_size=300))
def test_any_text_is_grants_or_one_named_error(text: str) -> None:
    try:
        parse_grants(text, "any.toml")
    except GrantInvalid as error:
        assert "any.toml" in str(error)  # noqa: PT017 # both outcomes are allowed


@given(st.integers(min_value=0, max_value=len(FULL) - 1), st.characters(codec="utf-8"))
def test_any_changed_character_gives_grants_or_one_named_error(at: int, other: str) -> None:
    try:
        parse_grants(FULL[:at] + other + FULL[at + 1 :], "any.toml")
    except GrantInvalid as error:
        assert "any.toml" in str(error)  # noqa: PT017 # both outcomes are allowed
