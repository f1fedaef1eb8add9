"""What is read of a plain answer by its hits is what the whole judgement reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.answer_alike import plain_answer
from protocol.messages import Answer, Hit
from protocol.problems import Refused
from tests.protocol.exchange import answer

BITS = "A" * 22
HITS = [
    Hit(ref="first", bin=3, commitment=BITS),
    Hit(ref="second", bin=-20),
    Hit(ref="third", bin=0),
]
LINE = answer(
    results=[HITS, [], HITS[:1]], request_url="https://hospital.example/apply?x=1"
).encode()
PUT = [
    b"", b"\\", b'"', b",", b":", b"[", b"]", b"{", b"}", b"0", b"-", b"9", b"20", b"1.0", b"1e3",
    b" ", b"\n", b"\xff", b"null", b"true", b',"bin":3', b'"ref":"first"', b'"results":',
    b'"results":[[]]', b',"results":[[]]', b'"budget":{"queries":1}', b',"budget":{"queries":',
    b'"v":1,', b'"x":1,',
]  # fmt: skip


def judged(line: bytes) -> Answer | None:
    try:
        return Answer.parse(line)
    except Refused:
        return None


@pytest.mark.parametrize(
    "line", [LINE, answer().encode(), LINE.replace(b'"query":"sha256:0', b'"query":"sha256:1')]
)
def test_a_plain_answer_is_read_as_the_whole_judgement_reads_it(line: bytes) -> None:
    assert plain_answer(line) == judged(line)
    assert plain_answer(line) is not None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"bin":3', b'"bin":20'),
        (b'"ref":"second"', b'"ref":"first"'),
        (b'"bin":-20', b'"bin":-20,"bin":-20'),
        (b',"bin":3', b""),
        (b'"decision":"answered"', b'"decision":"denied"'),
        (b'"budget"', b'"results":[[]],"budget"'),
        (b'"results"', b'"results":[[]],"results"'),
    ],
)
def test_what_the_whole_judgement_refuses_is_left_to_it(old: bytes, new: bytes) -> None:
    line = LINE.replace(old, new, 1)
    assert line != LINE
    assert judged(line) is None
    assert plain_answer(line) is None


@given(
    st.lists(
        st.tuples(st.integers(0, len(LINE)), st.integers(0, 16), st.sampled_from(PUT)), max_size=3
    )
)
def test_both_agree_on_hostile_bytes(edits: list[tuple[int, int, bytes]]) -> None:
    line = LINE
    for at, dropped, put in edits:
        line = line[:at] + put + line[at + dropped :]
    found = plain_answer(line)
    assert found is None or found == judged(line)
