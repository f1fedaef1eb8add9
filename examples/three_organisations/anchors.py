"""The public side: Python's standard library, as anchors and as text to fit the encoders on.

The rule of this file: nothing private enters it. Every installation of one Python version makes the
same anchors, so that each member can make the set for itself and compare its digest.
"""

from __future__ import annotations

import re
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from pydoc_data import topics

from examples.three_organisations.docstrings import Docstring, distinct, of_package

SHORTEST_REST = 60
"""Characters that must follow an anchor's summary: with less, both views would be the same text."""
SHORTEST_SUMMARY_WORDS = 3
SHORTEST_PARAGRAPH_WORDS = 6

SKIPPED_MODULES = ("pydoc_data.", "distutils.", "ensurepip.", "__phello__")
"""Parts that some distributions leave out; `pydoc_data` comes in as the sections that it holds."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One public text in two views: what would be stored, and what one would ask to find it."""

    document: str
    query: str


def standard_library() -> list[Docstring]:
    """Distinct docstrings of the library, then the language reference's sections in `pydoc`."""
    folder = Path(sysconfig.get_path("stdlib"))
    docstrings = (
        docstring
        for docstring in of_package(folder, "")
        if not docstring.name.startswith(SKIPPED_MODULES)
    )
    sections = [Docstring(name, text) for name, text in sorted(topics.topics.items())]
    return distinct([*docstrings, *sections])


def anchors(public: list[Docstring]) -> list[Anchor]:
    """Anchors from docstrings and from the reference's paragraphs; their queries are distinct."""
    kept: dict[str, Anchor] = {}
    for docstring in _anchor_texts(public):
        query, rest = docstring.summary, docstring.rest
        if len(query.split()) >= SHORTEST_SUMMARY_WORDS and len(rest) >= SHORTEST_REST:
            kept.setdefault(query, Anchor(f"{docstring.name}\n{rest}", query))
    return list(kept.values())


def _anchor_texts(public: list[Docstring]) -> Iterator[Docstring]:
    for docstring in public:
        yield docstring
        if docstring.name in topics.topics:
            for paragraph in paragraphs(docstring.text):
                yield Docstring(docstring.name, paragraph)


def training_texts(public: list[Docstring]) -> list[str]:
    """What encoders are fitted on: docstrings with their names, and paragraphs; distinct."""
    texts: dict[str, None] = {}
    for docstring in public:
        texts[f"{docstring.name}\n{docstring.text}"] = None
        texts.update(dict.fromkeys(paragraphs(docstring.text)))
    return list(texts)


def paragraphs(text: str) -> list[str]:
    """Paragraphs of at least `SHORTEST_PARAGRAPH_WORDS` words, each on one line."""
    blocks = (" ".join(block.split()) for block in re.split(r"\n\s*\n", text))
    return [block for block in blocks if block.count(" ") + 1 >= SHORTEST_PARAGRAPH_WORDS]
