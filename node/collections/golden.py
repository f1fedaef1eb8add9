"""Golden questions from a file: one a line, with the documents that answer it.

    {"question": "Which doses are safe in children?", "relevant": ["a-17", "a-20"]}

or a folder in BEIR's layout, whose document ids are those of the collection. The rule of this file:
a question is of use where one of its right documents is in the collection; the others are counted.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from node.collections.errors import GoldenInvalid
from node.evaluate import data_set
from node.store.golden_rows import Golden

MAX_QUESTIONS = 10_000


def read_golden(path: Path) -> list[Golden]:
    """Read golden questions. Raises GoldenInvalid, DataSetRefused, OSError."""
    if path.is_dir():
        found = data_set.read(path)
        return [Golden(text, found.judgments[key]) for key, text in list(found.questions.items())][
            :MAX_QUESTIONS
        ]
    with path.open("rb") as lines:
        return list(_lines(path, lines))


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
