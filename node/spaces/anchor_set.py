"""Anchor sets: public texts, each in two views, under one id that any member can compute.

The rule of this file: a set is its texts. Order in the file and local names play no part; the id is
the digest of the sorted digests of both views, and row i of every matrix is text i of that order.

A `document` view is what would be stored, a `query` view what one would ask to find it. Maps are
chosen by known items, and those need both.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import orjson

from adapters.split import Split, split
from node.spaces.errors import AnchorsRefused
from protocol.canonical import digest, dumps

MAX_ANCHORS = 100_000
MAX_TEXT_CHARS = 20_000
MIN_ANCHORS = 200
"""Fewer texts than this leave too few to fit on and too few to choose and measure with."""

SHORT_WORDS = 8
"""Words of a derived query view where the text has no first sentence to take."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One public text in two views."""

    document: str
    query: str


@dataclass(frozen=True)
class AnchorSet:
    """Distinct anchors in canonical order, and how many query views had to be derived."""

    anchors: tuple[Anchor, ...]
    derived: int = 0

    @cached_property
    def digests(self) -> list[tuple[str, str]]:
        """Digests of the document and query view of each anchor."""
        return [_digests(anchor) for anchor in self.anchors]

    @cached_property
    def manifest(self) -> bytes:
        """The canonical JSON whose digest is the set's id."""
        return dumps({"v": 1, "anchors": self.digests})

    @cached_property
    def set_id(self) -> str:
        """The set's id, `sha256:<hex>`."""
        return digest(self.manifest)

    @cached_property
    def split(self) -> Split:
        """Which rows fit, which choose and which measure; the same for every member."""
        return split([document for document, _ in self.digests])

    def texts(self, view: str) -> list[str]:
        """The texts of one view, `document` or `query`, in order."""
        return [getattr(anchor, view) for anchor in self.anchors]


def make_anchor_set(anchors: Iterable[Anchor], derived: int = 0) -> AnchorSet:
    """Put anchors into canonical order, the first of equal documents winning.

    Raises:
        AnchorsRefused: too few or too many, an empty or an overlong text.
    """
    distinct: dict[str, Anchor] = {}
    for number, anchor in enumerate(anchors, 1):
        if not anchor.document.strip() or not anchor.query.strip():
            raise AnchorsRefused(
                f"anchor {number} has an empty view",
                fix="Leave it out.",
            )
        if max(len(anchor.document), len(anchor.query)) > MAX_TEXT_CHARS:
            raise AnchorsRefused(
                f"anchor {number} is longer than {MAX_TEXT_CHARS} characters",
                fix="Shorten it, or split it into several anchors.",
            )
        distinct.setdefault(_digests(anchor)[0], anchor)
        if len(distinct) > MAX_ANCHORS:
            raise AnchorsRefused(
                f"an anchor set has at most {MAX_ANCHORS} texts",
                fix="Import fewer; 2,000 to 4,000 give most of what many more would.",
            )
    if len(distinct) < MIN_ANCHORS:
        raise AnchorsRefused(
            f"{len(distinct)} distinct anchors are too few: at least {MIN_ANCHORS} are needed",
            fix="Add public texts of your field; 2,000 to 4,000 give most of what many more would.",
        )
    return AnchorSet(tuple(distinct[key] for key in sorted(distinct)), derived)


def parse_jsonl(lines: Iterable[bytes]) -> AnchorSet:
    """Read one JSON object a line: `document` (or `text`), and `query` where there is one.

    Raises:
        AnchorsRefused: a line is not such an object; the message gives its number.
    """
    derived = 0
    anchors = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        document, query = _views(line, number)
        derived += query is None
        anchors.append(Anchor(document, derive_query(document) if query is None else query))
    return make_anchor_set(anchors, derived)


def parse_text(lines: Iterable[bytes]) -> AnchorSet:
    """Read one text a line; every query view is derived.

    Raises:
        AnchorsRefused: a line is not UTF-8.
    """
    anchors = []
    for number, line in enumerate(lines, 1):
        try:
            document = line.decode("utf-8").strip()
        except UnicodeDecodeError:
            raise AnchorsRefused(
                f"line {number} is not UTF-8",
                fix="Save the file as UTF-8.",
            ) from None
        if document:
            anchors.append(Anchor(document, derive_query(document)))
    return make_anchor_set(anchors, len(anchors))


def derive_query(document: str) -> str:
    """Return a query view for a text that has none: its first sentence, else its first words."""
    head, stop, rest = document.partition(". ")
    if stop and rest.strip():
        return head + "."
    return " ".join(document.split()[:SHORT_WORDS])


def as_jsonl(anchors: AnchorSet) -> Iterator[bytes]:
    """Write the set as `parse_jsonl` reads it, in canonical order."""
    for anchor in anchors.anchors:
        yield dumps({"document": anchor.document, "query": anchor.query}) + b"\n"


def _views(line: bytes, number: int) -> tuple[str, str | None]:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise AnchorsRefused(
            f"line {number} is not JSON",
            fix=(
                "Write one JSON object a line; a file of plain texts must not end in .jsonl or "
                ".json."
            ),
        ) from None
    document = row.get("document", row.get("text")) if isinstance(row, dict) else None
    query = row.get("query") if isinstance(row, dict) else None
    if not isinstance(document, str) or not (query is None or isinstance(query, str)):
        raise AnchorsRefused(
            f"line {number} is no anchor",
            fix=(
                "Write one object a line: "
                "{'document': 'a text', 'query': 'a question that it answers'}."
            ),
        )
    return document, query


def _digests(anchor: Anchor) -> tuple[str, str]:
    return digest(anchor.document.encode()), digest(anchor.query.encode())
