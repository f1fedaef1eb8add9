"""The public side: anchors, and text to fit the encoders on.

It is the documentation of Python's standard library and of the scientific packages that the
encoders are fitted with. The latter are there because anchors from the domain of the questions
carry more.

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

from examples.three_organisations.docstrings import (
    Docstring,
    distinct,
    of_installed,
    of_package,
)

SHORTEST_REST = 60
"""Characters that must follow an anchor's summary: with less, both views would be the same text."""
SHORTEST_SUMMARY_WORDS = 3
SHORTEST_PARAGRAPH_WORDS = 6

LONGEST_CHARACTERS = 2000
"""Characters of an anchor's document view that are kept."""
SCIENTIFIC_PACKAGES = ("scipy", "sklearn")
SCIENTIFIC_TRAINING_CHARACTERS = 800
SCIENTIFIC_STEP = 3
"""Every third scientific docstring is an anchor, so that the library has the majority."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One public text in two views: what would be stored, and what one would ask to find it."""

    document: str
    query: str


@dataclass(frozen=True, slots=True)
class Public:
    """Public texts: the standard library with its reference, and scientific packages."""

    library: list[Docstring]
    scientific: list[Docstring]


def public_texts(every: int = 1) -> Public:
    """Read all public texts; those of scientific packages only where they are installed.

    `every`: of so many files one is read, where few texts are enough.
    """
    return Public(standard_library(every), scientific(every))


def standard_library(every: int = 1) -> list[Docstring]:
    """Distinct docstrings of the library, then the language reference's sections in `pydoc`."""
    folder = Path(sysconfig.get_path("stdlib"))
    sections = [Docstring(name, text) for name, text in sorted(topics.topics.items())]
    return distinct([*of_package(folder, "", every), *sections])


def scientific(every: int = 1) -> list[Docstring]:
    """Distinct docstrings of the packages that the encoders are fitted with."""
    return distinct(
        docstring for package in SCIENTIFIC_PACKAGES for docstring in of_installed(package, every)
    )


def anchors(public: Public) -> list[Anchor]:
    """Anchors from docstrings and from the reference's paragraphs; their queries are distinct."""
    kept: dict[str, Anchor] = {}
    for docstring in _anchor_texts(public):
        query, rest = docstring.summary, docstring.rest
        if len(query.split()) >= SHORTEST_SUMMARY_WORDS and len(rest) >= SHORTEST_REST:
            document = f"{docstring.name}\n{rest}"[:LONGEST_CHARACTERS]
            kept.setdefault(query, Anchor(document, query))
    return list(kept.values())


def _anchor_texts(public: Public) -> Iterator[Docstring]:
    for docstring in public.library:
        yield docstring
        if docstring.name in topics.topics:
            for paragraph in paragraphs(docstring.text):
                yield Docstring(docstring.name, paragraph)
    yield from public.scientific[::SCIENTIFIC_STEP]


def training_texts(public: Public) -> list[str]:
    """What encoders are fitted on: docstrings with their names, and paragraphs; distinct."""
    texts: dict[str, None] = {}
    for docstring in public.library:
        texts[f"{docstring.name}\n{docstring.text}"] = None
        texts.update(dict.fromkeys(paragraphs(docstring.text)))
    for docstring in public.scientific:
        texts[f"{docstring.name}\n{docstring.text}"[:SCIENTIFIC_TRAINING_CHARACTERS]] = None
    return list(texts)


def paragraphs(text: str) -> list[str]:
    """Paragraphs of at least `SHORTEST_PARAGRAPH_WORDS` words, each on one line."""
    blocks = (" ".join(block.split()) for block in re.split(r"\n\s*\n", text))
    return [block for block in blocks if block.count(" ") + 1 >= SHORTEST_PARAGRAPH_WORDS]
