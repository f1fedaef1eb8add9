"""Anchors from a directory in BEIR's layout: public texts with questions that people asked.

Its files are read by `node/beir.py`; questions may be absent. The rule of this file: one text is
one anchor. Its query view is the first question, in the order of their ids, that is judged relevant
to it; a text that no question is judged for has its title instead, and that is stated. Judgements
in `test.tsv` are used only where there are no others, so that a data set can still be evaluated on.
"""

from collections.abc import Iterator
from pathlib import Path

from node.beir import CORPUS, QRELS, QUERIES, judgments, texts
from node.spaces.anchor_set import Anchor
from node.spaces.query_views import query_view


def is_beir(path: Path) -> bool:
    """Whether a path is a directory in this layout."""
    return (path / CORPUS).is_file()


def read_beir(folder: Path) -> Iterator[Anchor]:
    """Yield the texts of a data set as anchors; those without text are passed by.

    Raises:
        BeirRefused: a file is missing or malformed; the message names file and line.
    """
    asked = _questions(folder)
    for identifier, row in texts(folder / CORPUS):
        text, title = row["text"].strip(), str(row.get("title") or "").strip()
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
    asked = {key: row["text"].strip() for key, row in texts(folder / QUERIES)}
    found: dict[str, str] = {}
    for question, document in sorted(_judged(folder / QRELS)):
        if asked.get(question):
            found.setdefault(document, asked[question])
    return found


def _judged(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the question and the text of every judgment that calls a text relevant."""
    files = sorted(folder.glob("*.tsv"))
    for path in [each for each in files if each.stem != "test"] or files:
        for question, document, grade in judgments(path):
            if grade > 0:
                yield question, document
