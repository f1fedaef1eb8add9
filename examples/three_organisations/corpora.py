"""Write to files what the three organisations have: public anchors and private documents.

    python -m examples.three_organisations.corpora public --out DIRECTORY
    python -m examples.three_organisations.corpora private --out DIRECTORY

The rule of this file: the files are what the `interlingua` command reads (`anchors import`,
`collection ingest`), one JSON object a line, and the same installation writes the same bytes.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from examples.three_organisations.anchors import (
    Public,
    anchors,
    public_texts,
    training_texts,
)
from examples.three_organisations.docstrings import Docstring
from examples.three_organisations.organisations import (
    ORGANISATIONS,
    Organisation,
    private_documents,
)

T = TypeVar("T")

ANCHORS = "anchors.jsonl"
TRAINING = "training.jsonl"


TRAINING_TEXTS_PER_ANCHOR = 10
"""Where a person asks for few anchors, the models are fitted on few texts too."""

FEW_ANCHORS, FILES_FOR_FEW = 600, 3
"""So few anchors, and texts to fit on, are in every third file: reading takes a third as long."""


def documents_file(short: str) -> str:
    """Name of the file with one organisation's documents."""
    return f"{short}.jsonl"


def write_public(folder: Path, public: Public, most_anchors: int | None = None) -> int:
    """Write anchors and training texts; returns how many anchors there are."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = evenly(anchors(public), most_anchors)
    most_texts = None if most_anchors is None else TRAINING_TEXTS_PER_ANCHOR * most_anchors
    training = evenly(training_texts(public), most_texts)
    write_lines(folder / ANCHORS, ({"document": a.document, "query": a.query} for a in kept))
    write_lines(folder / TRAINING, ({"text": text} for text in training))
    return len(kept)


def write_private(folder: Path, most_documents: int | None = None) -> dict[str, int]:
    """Write each organisation's documents; returns how many each has."""
    return {one.name: write_documents(folder, one, most_documents) for one in ORGANISATIONS}


def write_documents(folder: Path, organisation: Organisation, most: int | None = None) -> int:
    """Write one organisation's documents; returns how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = evenly(private_documents(organisation), most)
    write_lines(folder / documents_file(organisation.short), records(kept))
    return len(kept)


def records(docstrings: Iterable[Docstring]) -> Iterator[dict[str, object]]:
    """Turn docstrings into lines for `collection ingest`; a name that comes again is numbered."""
    seen: Counter[str] = Counter()
    for docstring in docstrings:
        seen[docstring.name] += 1
        times = seen[docstring.name]
        yield {
            "id": docstring.name if times == 1 else f"{docstring.name}#{times}",
            "text": f"{docstring.name}\n{docstring.text}",
            "labels": [docstring.name.partition(".")[0]],
        }


def evenly(items: list[T], most: int | None) -> list[T]:
    """At most `most` of the items, spread evenly over their order; all where `most` is None."""
    if most is None or len(items) <= most:
        return items
    return [items[place * len(items) // most] for place in range(most)]


def write_lines(path: Path, lines: Iterable[dict[str, object]]) -> None:
    """Write one JSON object a line, UTF-8."""
    with path.open("w", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def read_texts(path: Path) -> list[str]:
    """Read the `text` of each line."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line)["text"] for line in file]


def main() -> None:
    """Write the parts that are asked for and say, on one line, what was written."""
    parser = argparse.ArgumentParser(description="Write the demo's public and private texts.")
    parser.add_argument("part", choices=("public", "private"))
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--most", type=int, help="at most this many anchors, or documents each")
    chosen = parser.parse_args()
    written: dict[str, object]
    if chosen.part == "public":
        few = chosen.most is not None and chosen.most <= FEW_ANCHORS
        public = public_texts(FILES_FOR_FEW if few else 1)
        written = {"anchors": write_public(chosen.out, public, chosen.most)}
    else:
        written = {"documents": write_private(chosen.out, chosen.most)}
    print(json.dumps(written), flush=True)


if __name__ == "__main__":
    main()
