"""An anchor set of natural prose from another domain: descriptions of Debian's packages.

    apt-get update -o Acquire::Languages=en
    /usr/lib/apt/apt-helper cat-file /var/lib/apt/lists/*_main_i18n_Translation-en* \\
        | python -m benchmarks.meaning.debian > anchors.jsonl

The short description, one line that people search by, is the query view; the long one is the
document view. The rule of this file: of texts that begin alike one is kept, because packages of
one source share most of their description.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator

from node.spaces.anchor_set import Anchor, AnchorSet, as_jsonl, make_anchor_set

SHORTEST_WORDS = 3
SHORTEST_CHARACTERS = 120
LONGEST_CHARACTERS = 320
"""Characters kept of a document view: about 65 tokens, so that slow models come to an end."""
ALIKE_CHARACTERS = 60
"""Two texts that begin with the same so many characters count as one."""


def anchors(lines: Iterable[str], most: int) -> AnchorSet:
    """Return anchors from the stanzas of a package index, at most so many.

    Anchors are ordered by their digests, so the first ones are a random sample of all.
    """
    kept: dict[str, Anchor] = {}
    seen: set[str] = set()
    for short, document in _descriptions(lines):
        beginning = document[:ALIKE_CHARACTERS]
        is_long = len(short.split()) >= SHORTEST_WORDS and len(document) >= SHORTEST_CHARACTERS
        if is_long and beginning not in seen:
            seen.add(beginning)
            kept.setdefault(short, Anchor(document, short))
    return make_anchor_set(make_anchor_set(kept.values()).anchors[:most])


def _descriptions(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the short and the long description of each stanza, the long one as one line."""
    short, words = "", list[str]()
    for line in lines:
        name, _, value = line.rstrip("\n").partition(": ")
        if name == "Description-en":
            short, words = value.strip(), []
        elif line.startswith(" "):
            words += [word for word in line.split() if word != "."]
        elif short:
            yield short, " ".join(words)[:LONGEST_CHARACTERS]
            short = ""
    if short:
        yield short, " ".join(words)[:LONGEST_CHARACTERS]


def main() -> None:
    """Write the set as JSON lines to standard output."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.meaning.debian")
    parser.add_argument("--most", type=int, default=20_000)
    made = anchors(sys.stdin, parser.parse_args().most)
    for line in as_jsonl(made):
        sys.stdout.buffer.write(line)
    print(f"{len(made.anchors)} anchors, {made.set_id}", file=sys.stderr)


if __name__ == "__main__":
    main()
