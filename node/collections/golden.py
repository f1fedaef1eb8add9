"""Golden questions from a file, from titles of the collection's own documents, or from anchors.

In a file one question a line, with the documents that answer it:

    {"question": "Which doses are safe in children?", "relevant": ["a-17", "a-20"]}

or a folder in BEIR's layout, whose document ids are those of the collection. The rule of this file:
a question is of use where one of its right documents is in the collection; the others are counted.

A title asks for its document as a person might, if it is none of the document's words: where the
text repeats it, any model finds the one by the other, so such titles are left out, and so are those
that many documents share. An anchor's query view asks for its document view among those of other
anchors, which judges the model alone. Past questions come as a file that people have judged; lines
of it without a right document are left out. docs/adr/0055 says what is no source.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from node.collections.collection import Collection
from node.collections.errors import GoldenInvalid
from node.evaluate import data_set
from node.ingest.sources import SourceUnreadable
from node.regular_file import open_regular
from node.store import document_rows
from node.store.golden_rows import Golden
from node.store.store import Store

MAX_QUESTIONS = 10_000

TITLES = 1_000
"""Questions that are made of titles at most: enough for differences of a hundredth."""

ANCHORS = 200
"""Anchors that ask for themselves at most; each look of the watch encodes all of them."""

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
    with open_regular(path) as lines:
        return [one for one in _lines(path, lines) if one.judgments]


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


def titled(collection: Collection, store: Store, field: str) -> Iterator[tuple[str, str, str]]:
    """Yield (id, text, title) of documents with a title in a metadata field; blocking.

    Texts that stay where they are, are read from there; those that cannot be are left out.
    """
    with store.read() as db:
        yield from document_rows.with_word_field(db, collection.key, field)
    with store.read() as db:
        elsewhere = document_rows.elsewhere_with_word_field(db, collection.key, field)
    for identifier, uri, source, title in elsewhere:
        if len(title.split()) >= LEAST_WORDS:  # others ask for nothing
            with suppress(SourceUnreadable):
                yield identifier, collection.sources.read_again(uri, source), title


def from_anchors(anchors: Iterable[tuple[str, str]]) -> list[Golden]:
    """Make golden questions of (document view, query view); those with the lowest digests."""
    usable = (
        Golden(query, {_name(document): 1}, document)
        for document, query in anchors
        if len(query.split()) >= LEAST_WORDS and _plain(query) not in _plain(document)
    )
    return sorted(usable, key=_digest)[:ANCHORS]


def _name(document: str) -> str:
    return f"anchor:{hashlib.sha256(document.encode()).hexdigest()[:16]}"


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
    asked = row.get("asked", []) if isinstance(row, Mapping) else []
    ids = isinstance(relevant, list) and all(isinstance(one, str) for one in relevant)
    leaves = isinstance(asked, list) and all(isinstance(one, int) for one in asked)
    named = isinstance(question, str) and bool(question.strip())
    if not (named and ids and leaves and (relevant or asked)):
        raise GoldenInvalid(f"{where} is no question with the ids of its documents")
    return Golden(str(question).strip(), dict.fromkeys(relevant or [], 1), asked=tuple(asked))
