"""A data set in BEIR's layout: texts, questions, and which document answers which question.

    corpus.jsonl     {"_id": "d1", "title": "...", "text": "...", "metadata": {...}}
    queries.jsonl    {"_id": "q1", "text": "..."}
    qrels/test.tsv   query-id<TAB>corpus-id<TAB>score, with that line first

Layout: Thakur et al., "BEIR" (NeurIPS Datasets 2021). The rule of this file: nothing is passed over
in silence. What is malformed is refused with file and line; what can only be left out is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from node.evaluate.errors import DataSetRefused

HEADER = ["query-id", "corpus-id", "score"]
MAX_TEXTS = 1_000_000

Judgments = dict[str, dict[str, int]]


@dataclass(frozen=True)
class DataSet:
    """Documents and questions by id, in the order of their files.

    Attributes:
        documents: title and text of each document, by id.
        questions: the questions that have a relevant document.
        judgments: by question, the grade of each judged document; above 0 is relevant.
        metadata: the further fields of each document, by id.
        left_out: sentences that say what was not used, with numbers.
    """

    documents: dict[str, str]
    questions: dict[str, str]
    judgments: Judgments
    metadata: dict[str, Mapping[str, Any]]
    left_out: tuple[str, ...]


def read(folder: Path, qrels: str = "test") -> DataSet:
    """Read a data set; `qrels` names the file below qrels/ without its ending.

    Raises:
        DataSetRefused: a file is missing or malformed, or no question can be judged.
    """
    rows = dict(_rows(folder / "corpus.jsonl"))
    documents = {key: _joined(row) for key, row in rows.items()}
    full = {key: text for key, text in documents.items() if text}
    asked = {key: str(row["text"]).strip() for key, row in _rows(folder / "queries.jsonl")}
    judgments, unknown = _known(_judgments(folder / "qrels" / f"{qrels}.tsv"), full, asked)
    questions = {
        key: text
        for key, text in asked.items()
        if text and any(grade > 0 for grade in judgments.get(key, {}).values())
    }
    if not questions:
        raise DataSetRefused(
            f"no question of {folder} has a relevant document in {qrels}.tsv",
            fix="Check that the ids in qrels are those of corpus.jsonl and queries.jsonl.",
        )
    counted = {
        "documents without text": len(documents) - len(full),
        "questions without a relevant document": len(asked) - len(questions),
        "judgments of documents or questions that are not there": unknown,
    }
    return DataSet(
        full,
        questions,
        {key: judgments[key] for key in questions},
        {key: _metadata(rows[key]) for key in full},
        tuple(f"{number} {what} left out" for what, number in counted.items() if number),
    )


def _joined(row: Mapping[str, Any]) -> str:
    return f"{row.get('title') or ''} {row['text']}".strip()


def _metadata(row: Mapping[str, Any]) -> Mapping[str, Any]:
    own = row.get("metadata")
    beside = {name: row[name] for name in row if name not in {"_id", "title", "text", "metadata"}}
    return {**beside, **(own if isinstance(own, dict) else {})}


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (id, row) of a file of JSON lines; each row has a text."""
    seen: set[str] = set()
    for number, line in _lines(path):
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            row = None
        if not isinstance(row, dict) or not isinstance(row.get("text"), str):
            raise DataSetRefused(
                f"line {number} of {path} is no JSON object with a text",
                fix='Write one object a line: {"_id": "1", "text": "..."}.',
            )
        key = row.get("_id")
        if not isinstance(key, str | int) or isinstance(key, bool) or str(key) in seen:
            raise DataSetRefused(
                f"line {number} of {path} has no _id, or one that an earlier line has",
                fix="Give every line an _id of its own.",
            )
        seen.add(str(key))
        if len(seen) > MAX_TEXTS:
            raise DataSetRefused(
                f"{path} has more than {MAX_TEXTS} lines",
                fix="Evaluate on a sample; every document is encoded by every encoder.",
            )
        yield str(key), row
    if not seen:
        raise DataSetRefused(f"{path} is empty", fix="Get the data set again.")


def _judgments(path: Path) -> Judgments:
    found: Judgments = {}
    for number, line in _lines(path):
        parts = line.decode("utf-8").rstrip("\r\n").split("\t")
        if number == 1:
            if parts != HEADER:
                raise DataSetRefused(
                    f"{path} does not begin with the line {' '.join(HEADER)}",
                    fix="Separate the three columns by tabs, and name them in the first line.",
                )
            continue
        try:
            question, document, grade = parts
            found.setdefault(question, {})[document] = int(grade)
        except ValueError:
            raise DataSetRefused(
                f"line {number} of {path} is not a question, a document and a whole number",
                fix="Separate the three by tabs.",
            ) from None
    return found


def _known(
    judgments: Judgments, documents: Mapping[str, str], questions: Mapping[str, str]
) -> tuple[Judgments, int]:
    """Return the judgments of what is there, and how many others there were."""
    kept: Judgments = {}
    unknown = 0
    for question, grades in judgments.items():
        for document, grade in grades.items():
            if question in questions and document in documents:
                kept.setdefault(question, {})[document] = grade
            else:
                unknown += 1
    return kept, unknown


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not blank, with their numbers from 1."""
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                line.decode("utf-8")
                if line.strip():
                    yield number, line
    except FileNotFoundError:
        raise DataSetRefused(
            f"there is no {path}{_others(path)}",
            fix="Name a folder with corpus.jsonl, queries.jsonl and qrels/test.tsv, or another "
            "part of qrels/ with --qrels.",
        ) from None
    except UnicodeDecodeError:
        raise DataSetRefused(f"{path} is not UTF-8", fix="Save it as UTF-8.") from None


def _others(path: Path) -> str:
    names = sorted(each.stem for each in path.parent.glob("*.tsv"))
    return f"; qrels/ has {', '.join(names)}" if names else ""
