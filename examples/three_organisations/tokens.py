"""Texts to tokens, one function for each kind of model.

The rule of this file: pure functions of the text, without language data to download. The stemmer
only has to map a question's word and a document's word to the same token, so it need not be a
linguist's.
"""

from __future__ import annotations

import re
from functools import lru_cache

_WORD = re.compile(r"[A-Za-z][a-z]+|[A-Z]+(?![a-z])|\d+")
"""Words of prose and the parts of snake_case and CamelCase names."""

_SUFFIXES = (
    *("ations", "ation", "ating", "ators", "ator", "ated", "ates", "ate"),
    *("ings", "ing", "ied", "ies"),
    *("ed", "es", "ers", "er", "ly", "s"),
)
_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "the a an of to in is and or for be it that this if as are by with on not from at which"
        " will can its into may has have was were been when but any then than so such used use"
        " using no only also other same see both these they their you your we our how do does what"
        " param return returns returned",
    )
)
_NGRAM_LENGTHS = (3, 4)


def stems(text: str) -> list[str]:
    """Stems of the text's content words, in order."""
    return [_stem(word) for word in content_words(text) if len(word) > 1]


def character_ngrams(text: str) -> list[str]:
    """Runs of three and four characters within the content words, whose edges are marked."""
    marked = (f"<{word}>" for word in content_words(text))
    return [
        word[start : start + length]
        for word in marked
        for length in _NGRAM_LENGTHS
        for start in range(len(word) - length + 1)
    ]


def content_words(text: str) -> list[str]:
    """Lower-case words that are not stop words; names are split into their parts."""
    words = (word.lower() for word in _WORD.findall(text))
    return [word for word in words if word not in _STOP_WORDS]


@lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word[: -len(suffix)]
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "ls":
        word = word[:-1]  # "running" meets "run"
    return word[:-1] if len(word) > 3 and word.endswith("e") else word
