import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.spaces.anchor_set import (
    MAX_TEXT_CHARS,
    MIN_ANCHORS,
    Anchor,
    as_jsonl,
    make_anchor_set,
    parse_jsonl,
    parse_text,
)
from node.spaces.errors import AnchorsRefused

TEXTS = [Anchor(f"document {i}", f"question {i}") for i in range(MIN_ANCHORS)]


def lines(*rows: object) -> list[bytes]:
    return [json.dumps(row).encode() for row in rows]


def test_the_id_does_not_depend_on_the_order_of_the_file() -> None:
    assert make_anchor_set(TEXTS).set_id == make_anchor_set(reversed(TEXTS)).set_id


def test_another_query_view_is_another_set() -> None:
    changed = [*TEXTS[:-1], Anchor(TEXTS[-1].document, "something else")]
    assert make_anchor_set(TEXTS).set_id != make_anchor_set(changed).set_id


def test_a_text_that_comes_twice_counts_once() -> None:
    assert make_anchor_set([*TEXTS, TEXTS[0]]).anchors == make_anchor_set(TEXTS).anchors


def test_the_parts_are_disjoint_and_are_all_there_is() -> None:
    split = make_anchor_set(TEXTS).split
    rows = [*split.fit, *split.validation, *split.test]
    assert sorted(rows) == list(range(len(TEXTS)))
    assert len(split.validation)
    assert len(split.test)


def test_what_is_written_is_read_as_the_same_set() -> None:
    anchors = make_anchor_set(TEXTS)
    assert parse_jsonl(as_jsonl(anchors)) == anchors


def test_json_lines_may_say_text_and_leave_the_query_out() -> None:
    rows = [{"id": i, "text": f"Sentence {i}. And more of it."} for i in range(MIN_ANCHORS)]
    anchors = parse_jsonl(lines(*rows))
    assert anchors.derived == MIN_ANCHORS
    assert {anchor.query for anchor in anchors.anchors} == {
        f"Sentence {i}." for i in range(MIN_ANCHORS)
    }


def test_a_text_file_holds_one_text_a_line() -> None:
    rows = [f"one text number {i}\n".encode() for i in range(MIN_ANCHORS)]
    assert len(parse_text([*rows, b"\n"]).anchors) == MIN_ANCHORS


def test_a_limit_takes_real_questions_first_and_the_same_texts_in_any_order() -> None:
    derived = [Anchor(f"text {i}", f"text {i}", "first-words") for i in range(MIN_ANCHORS)]
    wanted = make_anchor_set([*derived, *TEXTS], MIN_ANCHORS + 5)
    assert wanted.views == {"given": MIN_ANCHORS, "first-words": 5}
    assert wanted == make_anchor_set([*TEXTS, *reversed(derived)], MIN_ANCHORS + 5)


def test_where_a_query_view_came_from_is_written_with_it() -> None:
    derived = [Anchor(f"text {i}", f"title {i}", "title") for i in range(MIN_ANCHORS)]
    anchors = parse_jsonl(as_jsonl(make_anchor_set([*derived, *TEXTS])))
    assert anchors.views == {"given": MIN_ANCHORS, "title": MIN_ANCHORS}


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (Anchor("", "question"), "empty"),
        (Anchor("document", " \n"), "empty"),
        (Anchor("x" * (MAX_TEXT_CHARS + 1), "question"), "longer"),
    ],
)
def test_views_that_say_nothing_or_too_much_are_refused(bad: Anchor, why: str) -> None:
    with pytest.raises(AnchorsRefused, match=why):
        make_anchor_set([*TEXTS, bad])


def test_too_few_anchors_are_refused_with_advice() -> None:
    with pytest.raises(AnchorsRefused, match="too few") as refused:
        make_anchor_set(TEXTS[1:])
    assert "2,000 to 4,000" in refused.value.fix


@pytest.mark.parametrize(
    "line", [b"{", b"[]", b'{"query": "q"}', b'{"document": 1}', b'{"document":"d","query":[]}']
)
def test_a_line_that_is_no_anchor_is_named(line: bytes) -> None:
    with pytest.raises(AnchorsRefused, match="line 2"):
        parse_jsonl([*lines({"document": "d", "query": "q"}), line])


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_any_bytes_are_anchors_or_refused(rows: list[bytes]) -> None:
    for parse in (parse_jsonl, parse_text):
        with pytest.raises(AnchorsRefused):
            parse(rows)
