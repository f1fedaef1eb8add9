"""The files of a data set in BEIR's layout, line by line; the only reader of them.

    corpus.jsonl     {"_id": "d1", "title": "...", "text": "...", "metadata": {...}}
    queries.jsonl    {"_id": "q1", "text": "..."}
    qrels/NAME.tsv   query-id<TAB>corpus-id<TAB>score, with that line first

Layout: Thakur et al., "BEIR" (NeurIPS Datasets 2021). The rule of this file: nothing is passed over
in silence. Blank lines apart, what is malformed is refused with file and line.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from node.regular_file import open_regular
from node.room_error import RoomError

CORPUS, QUERIES, QRELS = "corpus.jsonl", "queries.jsonl", "qrels"
HEADER = ["query-id", "corpus-id", "score"]
MAX_TEXTS = 1_000_000


class BeirRefused(RoomError):
    """A file is missing or malformed; the message names it, and the line."""

    failure = "invalid-request"
    fix = "docs/evaluation.md says what a data set looks like."


def texts(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (id, row) of a corpus or of questions; each row has a string `text`.

    Raises:
        BeirRefused: the file is missing, empty, too long, or a line of it is malformed.
    """
    seen: set[str] = set()
    for number, line in _lines(path):
        row = _row(line)
        if row is None or not isinstance(row.get("text"), str):
            raise BeirRefused(
                f"line {number} of {path} is no JSON object with a text",
                fix='Write one object a line: {"_id": "1", "text": "..."}.',
            )
        key = row.get("_id")
        if not isinstance(key, str | int) or isinstance(key, bool) or str(key) in seen:
            raise BeirRefused(
                f"line {number} of {path} has no _id, or one that an earlier line has",
                fix="Give every line an _id of its own.",
            )
        seen.add(str(key))
        if len(seen) > MAX_TEXTS:
            raise BeirRefused(
                f"{path} has more than {MAX_TEXTS} lines",
                fix="Take a sample; every text is encoded by every encoder.",
            )
        yield str(key), row
    if not seen:
        raise BeirRefused(f"{path} is empty", fix="Get the data set again.")


def judgments(path: Path) -> Iterator[tuple[str, str, int]]:
    """Yield (question, document, grade) of one file of judgments.

    Raises:
        BeirRefused: the file is missing, has no header, or a line of it is malformed.
    """
    for number, line in _lines(path):
        parts = line.decode("utf-8").rstrip("\r\n").split("\t")
        if number == 1:
            if parts != HEADER:
                raise BeirRefused(
                    f"{path} does not begin with the line {' '.join(HEADER)}",
                    fix="Separate the three columns by tabs, and name them in the first line.",
                )
            continue
        try:
            question, document, grade = parts
            judged = question, document, int(grade)
        except ValueError:
            raise BeirRefused(
                f"line {number} of {path} is not a question, a document and a whole number",
                fix="Separate the three by tabs.",
            ) from None
        yield judged


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return row if isinstance(row, dict) else None


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not blank, with their numbers from 1."""
    number = 0
    try:
        with open_regular(path) as lines:
            for number, line in enumerate(lines, 1):
                line.decode("utf-8")
                if line.strip():
                    yield number, line
    except FileNotFoundError:
        raise BeirRefused(
            f"there is no {path}{_others(path)}",
            fix="Name a folder with corpus.jsonl, queries.jsonl and qrels/test.tsv, or another "
            "part of qrels/ with --qrels.",
        ) from None
    except UnicodeDecodeError:
        raise BeirRefused(
            f"line {number} of {path} is not UTF-8", fix="Save the file as UTF-8."
        ) from None


def _others(path: Path) -> str:
    names = sorted(each.stem for each in path.parent.glob("*.tsv"))
    return f"; qrels/ has {', '.join(names)}" if names else ""
