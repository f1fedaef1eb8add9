"""Anchor sets: public texts, each in two views, under one id that any member can compute.

The rule of this file: a set is its texts. Order in the file and local names play no part; the id is
the digest of the sorted digests of both views, and row i of every matrix is text i of that order.

A `document` view is what would be stored, a `query` view what one would ask to find it. Maps are
chosen by known items, and those need both.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import orjson

from adapters.split import Split, split
from node.spaces.errors import AnchorsRefused
from node.spaces.query_views import VIEWS, View, derive_query, query_view
from protocol.canonical import digest, dumps

MAX_ANCHORS = 100_000
MAX_READ = 1_000_000
"""Texts that are looked at where only some of them are taken."""

MAX_TEXT_CHARS = 20_000
MIN_ANCHORS = 200
"""Fewer texts than this leave too few to fit on and too few to choose and measure with."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One public text in two views; `view` is where the query view comes from."""

    document: str
    query: str
    view: View = field(default="given", compare=False)


@dataclass(frozen=True)
class AnchorSet:
    """Distinct anchors in canonical order."""

    anchors: tuple[Anchor, ...]

    @cached_property
    def views(self) -> dict[View, int]:
        """How many query views came from which source, the best source first."""
        counts = Counter(anchor.view for anchor in self.anchors)
        return {view: counts[view] for view in VIEWS if counts[view]}

    @property
    def derived(self) -> int:
        """How many query views the source did not give."""
        return len(self.anchors) - self.views.get("given", 0)

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


def make_anchor_set(anchors: Iterable[Anchor], limit: int | None = None) -> AnchorSet:
    """Put anchors into canonical order, the first of equal documents winning.

    With `limit`, that many of them: those with the best query views, and among these those with the
    smallest digests, so that everybody who limits the same texts gets the same set.

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
        if len(distinct) > (MAX_ANCHORS if limit is None else MAX_READ):
            raise AnchorsRefused(
                f"an anchor set has at most {MAX_ANCHORS} texts",
                fix="Take fewer (--limit); 2,000 to 4,000 give most of what many more would.",
            )
    if limit is not None:
        distinct = _best(distinct, limit)
    if len(distinct) < MIN_ANCHORS:
        raise AnchorsRefused(
            f"{len(distinct)} distinct anchors are too few: at least {MIN_ANCHORS} are needed",
            fix="Add public texts of your field; 2,000 to 4,000 give most of what many more would.",
        )
    return AnchorSet(tuple(distinct[key] for key in sorted(distinct)))


def parse_jsonl(lines: Iterable[bytes], limit: int | None = None) -> AnchorSet:
    """Read one JSON object a line: `document` (or `text`), and `query` where there is one.

    Where there is none, `title` or `example` is taken; see `query_views`. `limit` as for
    `make_anchor_set`.

    Raises:
        AnchorsRefused: a line is not such an object; the message gives its number.
    """
    full = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    return make_anchor_set((_anchor(line, number) for number, line in full), limit)


def parse_text(lines: Iterable[bytes], limit: int | None = None) -> AnchorSet:
    """Read one text a line; every query view is derived.

    Raises:
        AnchorsRefused: a line is not UTF-8.
    """
    return make_anchor_set(_plain(lines), limit)


def _plain(lines: Iterable[bytes]) -> Iterator[Anchor]:
    for number, line in enumerate(lines, 1):
        try:
            document = line.decode("utf-8").strip()
        except UnicodeDecodeError:
            raise AnchorsRefused(
                f"line {number} is not UTF-8",
                fix="Save the file as UTF-8.",
            ) from None
        if document:
            yield Anchor(document, *derive_query(document))


def as_jsonl(anchors: AnchorSet) -> Iterator[bytes]:
    """Write the set as `parse_jsonl` reads it, in canonical order."""
    for anchor in anchors.anchors:
        row = {"document": anchor.document, "query": anchor.query}
        yield dumps(row if anchor.view == "given" else {**row, "view": anchor.view}) + b"\n"


def _best(distinct: dict[str, Anchor], limit: int) -> dict[str, Anchor]:
    ranked = sorted(distinct, key=lambda key: (VIEWS.index(distinct[key].view), key))
    return {key: distinct[key] for key in ranked[:limit]}


def _anchor(line: bytes, number: int) -> Anchor:
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
    if not isinstance(document, str) or not isinstance(row.get("query", ""), str | None):
        raise AnchorsRefused(
            f"line {number} is no anchor",
            fix=(
                "Write one object a line: "
                "{'document': 'a text', 'query': 'a question that it answers'}."
            ),
        )
    if row.get("query") is not None:
        view = row.get("view")
        return Anchor(document, row["query"], view if view in VIEWS else "given")
    return Anchor(document, *query_view(document, row))


def _digests(anchor: Anchor) -> tuple[str, str]:
    return digest(anchor.document.encode()), digest(anchor.query.encode())
