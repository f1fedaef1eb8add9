"""Answers and denials: results have the shape of their granularity, bins lie in their range."""

from typing import Any

import pytest
from pydantic import ValidationError

from protocol.canonical import digest
from protocol.card import Figure
from protocol.messages import Answer, Denial, Hit, Problem, RouteReport
from protocol.problems import Code, Refused
from tests.protocol.exchange import SHARED_SPACE, answer, denial

PLAIN: dict[str, Any] = {"bin_width_milli": None, "score_space": None}


@pytest.mark.parametrize(
    "message",
    [
        answer(),
        answer(results=[[], [Hit(ref="a", bin=-20)], [Hit(ref="b")]]),
        answer(granularity="ranks", results=[[Hit(ref="a")]], **PLAIN),
        answer(granularity="count", results=[3, 0], **PLAIN),
        answer(granularity="boolean", results=[True, False], **PLAIN),
        answer(
            decision="repeated",
            route=RouteReport(
                adapter=digest(b"adapter"),
                kind="ridge",
                figures={"overlap_at_10": Figure.of(0.5, 0.4, 0.6)},
                low_confidence=False,
            ),
            request_url="https://hospital.example/apply?x=1",
        ),
    ],
)
def test_what_is_written_is_read(message: Answer) -> None:
    assert Answer.parse(message.encode()) == message
    assert b"\n" not in message.encode()


def test_a_denial_is_read() -> None:
    assert Denial.parse(denial().encode()) == denial()


@pytest.mark.parametrize(
    ("granularity", "results"),
    [
        ("bins", [3]),
        ("bins", [True]),
        ("ranks", [3]),
        ("count", [True]),
        ("count", [[]]),
        ("boolean", [1]),
        ("boolean", [[]]),
        ("count", [-1]),
        ("count", []),
    ],
)
def test_results_have_the_shape_of_their_granularity(granularity: str, results: list[Any]) -> None:
    plain = {} if granularity == "bins" else PLAIN
    with pytest.raises(ValidationError):
        answer(granularity=granularity, results=results, **plain)


def test_bins_come_with_width_and_space_and_only_where_bins_are_shown() -> None:
    with pytest.raises(ValidationError, match="bin_width_milli"):
        answer(bin_width_milli=None)
    with pytest.raises(ValidationError, match="score_space"):
        answer(score_space=None)
    with pytest.raises(ValidationError, match="no bins"):
        answer(granularity="ranks", **PLAIN)


def test_what_bins_tell_is_told_with_bins_alone() -> None:
    flagged = RouteReport(kind="identity", low_confidence=True)
    assert answer(route=flagged).route.low_confidence
    with pytest.raises(ValidationError, match="nor what they tell"):
        answer(granularity="ranks", results=[[Hit(ref="a")]], route=flagged, **PLAIN)


@pytest.mark.parametrize(("width", "bins"), [(50, [20]), (50, [-21]), (300, [4]), (2000, [-2])])
def test_a_bin_lies_within_the_range_of_scores(width: int, bins: list[int]) -> None:
    with pytest.raises(ValidationError):
        answer(bin_width_milli=width, results=[[Hit(ref="a", bin=b) for b in bins]])


@pytest.mark.parametrize(("width", "first", "last"), [(50, -20, 19), (300, -4, 3), (2000, -1, 0)])
def test_the_outermost_bins_are_allowed(width: int, first: int, last: int) -> None:
    hits = [Hit(ref="a", bin=last), Hit(ref="b", bin=first)]
    assert answer(bin_width_milli=width, results=[hits])


def test_a_list_shows_bins_for_all_or_for_none() -> None:
    with pytest.raises(ValidationError, match="all of its documents or for none"):
        answer(results=[[Hit(ref="a", bin=1), Hit(ref="b")]])


@pytest.mark.parametrize("ref", ["", "a b", "a" * 65, "ä", "a/b"])
def test_a_reference_is_short_and_plain(ref: str) -> None:
    with pytest.raises(ValidationError):
        Hit(ref=ref)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://a b", "ftp://x", "https://ä"])
def test_a_request_url_is_a_web_address(url: str) -> None:
    with pytest.raises(ValidationError):
        answer(request_url=url)


def test_an_unknown_member_is_refused() -> None:
    raw = answer(score_space=SHARED_SPACE).encode().replace(b'"v":1', b'"v":1,"x":1')
    with pytest.raises(Refused) as caught:
        Answer.parse(raw)
    assert caught.value.code is Code.MESSAGE_INVALID


def test_a_denial_carries_a_problem() -> None:
    problem = Problem.of(Code.BUDGET_EXHAUSTED, "no vectors are left today")
    assert denial(problem=problem).problem.status == 429
    with pytest.raises(ValidationError):
        denial(decision="answered")


def test_a_list_that_names_one_reference_twice_is_no_answer() -> None:
    with pytest.raises(ValidationError, match="twice"):
        answer(results=[[Hit(ref="aaaa", bin=9), Hit(ref="aaaa", bin=9)]])


def test_a_number_below_the_smallest_is_told_without_its_figure() -> None:
    counted = {"granularity": "count", "bin_width_milli": None, "score_space": None}
    told = answer(**counted, smallest_count=5, results=[None, 5])
    assert Answer.parse(told.encode()).results == (None, 5)
    for wrong in ({"smallest_count": 5, "results": [4]}, {"results": [None]}):
        with pytest.raises(ValidationError):
            answer(**counted, **wrong)
    with pytest.raises(ValidationError, match="no smallest count"):
        answer(smallest_count=5)
