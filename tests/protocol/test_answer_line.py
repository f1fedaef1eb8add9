"""What a responder writes is what the model of an answer would write, and reads back as meant."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from protocol.answer_line import WrittenAnswer, WrittenRoute
from protocol.answer_message import Answer
from protocol.canonical import digest
from protocol.card import Figure
from protocol.query_message import GRANULARITIES

names = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
refs = st.from_regex(r"[a-z2-7]{32}", fullmatch=True)
digests = st.binary(max_size=4).map(digest)
salts = st.from_regex(r"[A-Za-z0-9_-]{21}[AQgw]", fullmatch=True)
figures = st.dictionaries(names, st.just(Figure.of(0.5, 0.25, 0.75)), max_size=2)


@st.composite
def hits(draw: st.DrawFn, bins: bool) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for ref in draw(st.lists(refs, max_size=3, unique=True)):
        hit: dict[str, Any] = {"ref": ref}
        if bins:
            hit["bin"] = draw(st.integers(-20, 19))
        if draw(st.booleans()):
            hit["commitment"] = draw(salts)
        found.append(hit)
    return found


@st.composite
def answers(draw: st.DrawFn) -> WrittenAnswer:
    granularity = draw(st.sampled_from(GRANULARITIES))
    bins, smallest = granularity == "bins", draw(st.none() | st.integers(2, 9))
    result: st.SearchStrategy[Any] = {
        "boolean": st.booleans(),
        "count": st.integers(9, 99) if smallest is None else st.none() | st.integers(9, 99),
        "ranks": hits(False),
        "bins": hits(True) | hits(False),
    }[granularity]
    return WrittenAnswer(
        salt=draw(salts),
        query=draw(digests),
        collection=draw(names),
        version=draw(names),
        purpose=draw(names),
        granularity=granularity,
        bin_width_milli=50 if bins else None,
        score_space=draw(digests) if bins else None,
        score_kind=draw(st.sampled_from([None, "corrected"])) if bins else None,
        route=WrittenRoute(
            adapter=draw(st.none() | digests),
            kind=draw(names),
            figures=draw(figures),
            low_confidence=draw(st.none() | st.booleans()) if bins else None,
        ),
        epoch=draw(st.integers(0, 200)),
        smallest_count=smallest if granularity in ("boolean", "count") else None,
        withheld=draw(st.booleans()),
        results=draw(st.lists(result, min_size=1, max_size=3)),
        queries=draw(st.integers(0, 2**53 - 1)),
        request_url=draw(st.sampled_from([None, 'https://clinic.example/apply?a=1&b=%20"\\'])),
    )


@given(answers())
def test_the_line_is_what_the_model_would_write(written: WrittenAnswer) -> None:
    line = written.encode()
    read = Answer.parse(line)
    assert read.encode() == line
    shown = [len(result) if isinstance(result, tuple) else result for result in read.results]
    assert written.count == sum(int(each or 0) for each in shown)
