"""A data set to judge by: texts, questions, and which document answers which question.

Its files are in BEIR's layout (`node/beir.py`). The rule of this file: what cannot be used is left
out and counted; nothing is passed over in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from node.beir import CORPUS, QRELS, QUERIES, judgments, texts
from node.evaluate.errors import DataSetRefused

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
        BeirRefused: a file is missing or malformed.
        DataSetRefused: no question can be judged.
    """
    rows = dict(texts(folder / CORPUS))
    documents = {key: _joined(row) for key, row in rows.items()}
    full = {key: text for key, text in documents.items() if text}
    asked = {key: str(row["text"]).strip() for key, row in texts(folder / QUERIES)}
    judged, unknown = _known(_judgments(folder / QRELS / f"{qrels}.tsv"), full, asked)
    questions = {
        key: text
        for key, text in asked.items()
        if text and any(grade > 0 for grade in judged.get(key, {}).values())
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
        {key: judged[key] for key in questions},
        {key: _metadata(rows[key]) for key in full},
        tuple(f"{number} {what} left out" for what, number in counted.items() if number),
    )


def _joined(row: Mapping[str, Any]) -> str:
    return f"{row.get('title') or ''} {row['text']}".strip()


def _metadata(row: Mapping[str, Any]) -> Mapping[str, Any]:
    own = row.get("metadata")
    beside = {name: row[name] for name in row if name not in {"_id", "title", "text", "metadata"}}
    return {**beside, **(own if isinstance(own, dict) else {})}


def _judgments(path: Path) -> Judgments:
    found: Judgments = {}
    for question, document, grade in judgments(path):
        found.setdefault(question, {})[document] = grade
    return found


def _known(
    given: Judgments, documents: Mapping[str, str], questions: Mapping[str, str]
) -> tuple[Judgments, int]:
    """Return the judgments of what is there, and how many others there were."""
    kept: Judgments = {}
    unknown = 0
    for question, grades in given.items():
        for document, grade in grades.items():
            if question in questions and document in documents:
                kept.setdefault(question, {})[document] = grade
            else:
                unknown += 1
    return kept, unknown
