"""A data set in BEIR's layout: `corpus.jsonl`, `queries.jsonl`, `qrels/test.tsv`."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DataSet:
    """Documents and questions by id, and the judged grades by question and document."""

    documents: dict[str, str]
    questions: dict[str, str]
    judgments: dict[str, dict[str, int]]


def read(folder: Path) -> DataSet:
    """Read a data set; only questions with a judged relevant document are kept."""
    documents = {
        row["_id"]: f"{row.get('title', '')} {row['text']}".strip()
        for row in _rows(folder / "corpus.jsonl")
    }
    judgments: dict[str, dict[str, int]] = {}
    with (folder / "qrels" / "test.tsv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            grades = judgments.setdefault(row["query-id"], {})
            grades[row["corpus-id"]] = int(row["score"])
    questions = {
        row["_id"]: row["text"]
        for row in _rows(folder / "queries.jsonl")
        if any(grade > 0 for grade in judgments.get(row["_id"], {}).values())
    }
    return DataSet({key: text for key, text in documents.items() if text}, questions, judgments)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)
