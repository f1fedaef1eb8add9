"""Golden questions from a file, or from titles of the collection's own documents.

In a file one question a line, with the documents that answer it:

    {"question": "Which doses are safe in children?", "relevant": ["a-17", "a-20"]}

or a folder in BEIR's layout, whose document ids are those of the collection. The rule of this file:
a question is of use where one of its right documents is in the collection; the others are counted.

A title asks for its document as a person might, if it is none of the document's words: where the
text repeats it, any model finds the one by the other, so such titles are left out, and so are those
that many documents share. docs/adr/0055 says what else is no source of golden questions.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from node.collections.errors import GoldenInvalid
from node.evaluate import data_set
from node.store.golden_rows import Golden

MAX_QUESTIONS = 10_000

TITLES = 1_000
"""Questions that are made of titles at most: enough for differences of a hundredth."""

LEAST_WORDS = 3
SHARED = 3
"""Documents that may have one title; more are no answer to it but a heading."""


def read_golden(path: Path) -> list[Golden]:
    """Read golden questions. Raises GoldenInvalid, DataSetRefused, OSError."""
    if path.is_dir():
        found = data_set.read(path)
        return [Golden(text, found.judgments[key]) for key, text in list(found.questions.items())][
            :MAX_QUESTIONS
        ]
    with path.open("rb") as lines:
        return list(_lines(path, lines))


def from_titles(documents: Iterable[tuple[str, str, str]]) -> list[Golden]:
    """Make golden questions of (id, text, title); those with the lowest digests of all titles."""
    asked: dict[str, dict[str, int]] = defaultdict(dict)
    repeated: set[str] = set()
    for identifier, text, title in documents:
        question = " ".join(title.split())
        asked[question][identifier] = 1
        if _plain(question) in _plain(text):
            repeated.add(question)
    usable = (
        Golden(question, right)
        for question, right in asked.items()
        if question not in repeated
        and len(question.split()) >= LEAST_WORDS
        and len(right) <= SHARED
    )
    return sorted(usable, key=_digest)[:TITLES]


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _digest(golden: Golden) -> bytes:
    return hashlib.sha256(golden.question.encode()).digest()


def _lines(path: Path, lines: Iterator[bytes] | Any) -> Iterator[Golden]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if number > MAX_QUESTIONS:
            raise GoldenInvalid(f"{path.name} has more than {MAX_QUESTIONS} questions")
        yield _question(line, f"line {number} of {path.name}")


def _question(line: bytes, where: str) -> Golden:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        row = None
    question = row.get("question") if isinstance(row, Mapping) else None
    relevant = row.get("relevant") if isinstance(row, Mapping) else None
    ids = isinstance(relevant, list) and all(isinstance(one, str) for one in relevant)
    if not isinstance(question, str) or not question.strip() or not relevant or not ids:
        raise GoldenInvalid(f"{where} is no question with the ids of its documents")
    return Golden(question.strip(), dict.fromkeys(relevant, 1))
