"""Pieces of a long text: within the limit, overlapping, and no word is left out."""

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from node.encoders.token_estimate import estimate_tokens
from node.ingest.chunking import OVERLAP_SHARE, chunk

TEXTS = st.lists(
    st.sampled_from(["word", "a", "longerword", "end.", "Why?", "\n\n", "表示", "x" * 90]),
    max_size=120,
).map(" ".join) | st.text(max_size=200)


def words(text: str) -> int:
    return len(text.split())


@given(text=TEXTS, most=st.integers(1, 40))
def test_every_piece_fits_and_every_word_is_in_one(text: str, most: int) -> None:
    spans = chunk(text, most, estimate_tokens)
    covered = bytearray(len(text))
    for start, stop in spans:
        piece = text[start:stop]
        assert estimate_tokens(piece) <= most or len(piece) == 1 or len(spans) == 1
        covered[start:stop] = b"\x01" * (stop - start)
    missed = "".join(char for char, seen in zip(text, covered, strict=True) if not seen)
    assert not missed.strip()


@given(text=TEXTS, most=st.integers(1, 40))
def test_pieces_go_forward_and_overlap_by_no_more_than_their_share(text: str, most: int) -> None:
    spans = chunk(text, most, estimate_tokens)
    for (start, stop), (next_start, next_stop) in pairwise(spans):
        assert start < next_start
        assert stop < next_stop
        assert estimate_tokens(text[next_start:stop]) <= max(1, most // OVERLAP_SHARE)


def test_a_text_that_fits_is_one_piece() -> None:
    assert chunk("three short words", 3, words) == [(0, 17)]
    assert chunk("three short words", None, words) == [(0, 17)]
    assert chunk("", 3, words) == [(0, 0)]


def test_pieces_overlap() -> None:
    text = " ".join(f"w{number}" for number in range(100))
    pieces = [text[start:stop].split() for start, stop in chunk(text, 16, words)]
    assert all(
        one[-2:] == two[:2] and len(one) == 16 for one, two in pairwise(pieces)
        if two is not pieces[-1]
    )  # fmt: skip


def test_pieces_end_where_a_thought_ends() -> None:
    sentence = "This sentence has exactly seven words. "
    pieces = [(sentence * 20)[start:stop] for start, stop in chunk(sentence * 20, 20, words)]
    assert all(piece.endswith(".") for piece in pieces)
    paragraphs = "one two three four five six\n\nseven eight nine ten. eleven twelve"
    start, stop = chunk(paragraphs, 8, words)[0]
    assert paragraphs[start:stop] == "one two three four five six"


def test_a_word_longer_than_a_piece_is_cut() -> None:
    spans = chunk("y" * 1_000, 10, estimate_tokens)
    assert [span[0] for span in spans][1:] == [span[1] for span in spans][:-1]
    assert all(estimate_tokens("y" * (stop - start)) <= 10 for start, stop in spans)


@given(st.text(max_size=300))
def test_the_estimate_is_one_token_a_word_at_least(text: str) -> None:
    assert estimate_tokens(text) >= len(re.findall(r"\S+", text))
