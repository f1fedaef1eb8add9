"""Anchors from a directory in BEIR's layout: public texts with questions that people asked.

    corpus.jsonl     {"_id": "d1", "title": "...", "text": "..."}
    queries.jsonl    {"_id": "q1", "text": "..."}                    may be absent
    qrels/*.tsv      query-id<TAB>corpus-id<TAB>score, with that line first

Layout: Thakur et al., "BEIR" (NeurIPS Datasets 2021). The rule of this file: one text is one
anchor. Its query view is the first question, in the order of their ids, that is judged relevant to
it; a text that no question is judged for has its title instead, and that is stated. Judgements in
`test.tsv` are used only where there are no others, so that a data set can still be evaluated on.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from node.spaces.anchor_set import Anchor
from node.spaces.errors import AnchorsRefused
from node.spaces.query_views import query_view

HEADER = ["query-id", "corpus-id", "score"]
CORPUS, QUERIES, QRELS = "corpus.jsonl", "queries.jsonl", "qrels"


def is_beir(path: Path) -> bool:
    """Whether a path is a directory in this layout."""
    return (path / CORPUS).is_file()


def read_beir(folder: Path) -> Iterator[Anchor]:
    """Yield the texts of a data set as anchors; those without text are passed by.

    Raises:
        AnchorsRefused: a file is missing or malformed; the message names file and line.
    """
    asked = _questions(folder)
    for identifier, row in _rows(folder / CORPUS):
        text, title = str(row.get("text") or "").strip(), str(row.get("title") or "").strip()
        question = asked.get(identifier)
        if question is not None:
            document = f"{title}. {text}" if title and text else title or text
            if document:
                yield Anchor(document, question)
        elif text:
            # the title is the question here, so it is no part of what is to be found by it
            yield Anchor(text, *query_view(text, {"title": title}))


def _questions(folder: Path) -> dict[str, str]:
    """The first question of each judged text, by the text's id."""
    if not (folder / QUERIES).is_file():
        return {}
    texts = {key: str(row.get("text") or "").strip() for key, row in _rows(folder / QUERIES)}
    found: dict[str, str] = {}
    for question, document in sorted(_judged(folder / QRELS)):
        if texts.get(question):
            found.setdefault(document, texts[question])
    return found


def _judged(folder: Path) -> Iterator[tuple[str, str]]:
    files = sorted(folder.glob("*.tsv"))
    for path in [each for each in files if each.stem != "test"] or files:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    fields = line.decode("utf-8").rstrip("\r\n").split("\t")
                    if number == 1 and fields == HEADER:
                        continue
                    question, document, grade = fields
                    relevant = int(grade) > 0
                except ValueError:
                    raise AnchorsRefused(
                        f"line {number} of {path} is no judgement",
                        fix="Write query-id, corpus-id and a whole number, with tabs between them, "
                        "in UTF-8.",
                    ) from None
                if relevant:
                    yield question, document


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = orjson.loads(line)
                identifier = row["_id"]
            except (orjson.JSONDecodeError, KeyError, TypeError):
                identifier = None
            if not isinstance(identifier, str):
                raise AnchorsRefused(
                    f"line {number} of {path} is no object with an _id",
                    fix="Write one JSON object a line: {'_id': 'd1', 'title': '', 'text': '...'}.",
                )
            yield identifier, row
