"""Cutting a text that is longer than the model reads into pieces that overlap.

A piece ends at a paragraph, else at a sentence, else at a word, where that still leaves it three
quarters full; the next one begins some words before, so that no thought is only ever seen in half.
Lengths are sums of the words' token counts; a tokenizer that splits at white space has no more.
"""

import re
from collections.abc import Callable
from itertools import accumulate

Span = tuple[int, int]
CountTokens = Callable[[str], int]

OVERLAP_SHARE = 8  # an eighth of a piece is seen again in the next

_WORD = re.compile(r"\S+")
_FULL_ENOUGH = 0.75
_SENTENCE_END = (".", "!", "?", "…", "。", "！", "？", '."', ".)", ".'")  # noqa: RUF001 - full-width marks end sentences too


def chunk(text: str, most: int | None, count_tokens: CountTokens) -> list[Span]:
    """Return the spans of `text` to encode: pieces of at most `most` tokens that cover every word.

    One span with the whole text where it fits or `most` is None.
    """
    whole = [(0, len(text))]
    if most is None or count_tokens(text) <= most:
        return whole
    words = _words(text, most, count_tokens)
    if not words:
        return whole
    ends = list(accumulate(count for _, _, count in words))
    spans = []
    first = 0
    while True:
        last = _last(text, words, ends, first, most)
        spans.append((words[first][0], words[last][1]))
        if last == len(words) - 1:
            return spans
        first = _next_first(ends, first, last, most)


def _words(text: str, most: int, count_tokens: CountTokens) -> list[tuple[int, int, int]]:
    """Return (start, stop, tokens) of each word; a word longer than a piece is cut in parts."""
    words = []
    for match in _WORD.finditer(text):
        pending = [(match.start(), match.end())]
        while pending:
            start, stop = pending.pop()
            tokens = max(1, count_tokens(text[start:stop]))
            if tokens > most and stop - start > 1:
                middle = (start + stop) // 2
                pending += [(middle, stop), (start, middle)]
            else:
                words.append((start, stop, tokens))
    return words


def _last(
    text: str, words: list[tuple[int, int, int]], ends: list[int], first: int, most: int
) -> int:
    """Return the last word of the piece that begins with word `first`."""
    before = ends[first - 1] if first else 0
    limit = first
    while limit + 1 < len(words) and ends[limit + 1] - before <= most:
        limit += 1
    if limit == len(words) - 1:
        return limit
    sentence = None
    for word in range(limit, first, -1):
        if ends[word] - before < _FULL_ENOUGH * most:
            break
        if "\n\n" in text[words[word][1] : words[word + 1][0]]:
            return word
        if sentence is None and text.endswith(_SENTENCE_END, 0, words[word][1]):
            sentence = word
    return limit if sentence is None else sentence


def _next_first(ends: list[int], first: int, last: int, most: int) -> int:
    """Return the word at which the next piece begins: a little before this one's end.

    Only as far before it as leaves room for the word that follows.
    """
    start = last + 1
    while (
        start - 1 > first
        and ends[last] - ends[start - 2] <= most // OVERLAP_SHARE
        and ends[last + 1] - ends[start - 2] <= most
    ):
        start -= 1
    return start
