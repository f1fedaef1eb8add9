"""Searching a view: documents by best chunk, as many as were asked for while there are as many.

Where a graph would have to fetch so many rows that scoring all of them costs no more, all are
scored; that is also the fallback where the graph's nearest rows hold too few visible documents. So
a filter costs time but never results, whether by labels, by metadata or by what a partner may
still be told of.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from node.index.among import EVERYTHING, Among
from node.index.candidate import Candidates
from node.index.segment import IntArray, Mask, Segment, top_documents
from node.index.settings import IndexSettings
from node.index.similarity import FloatArray, Nearness
from node.index.view import View

# Rows scored one by one in the time the graph needs for one row that it fetches. Measured with
# 20,000 to 60,000 rows of 384: about 2.4 us a fetched row, 0.15 to 0.5 us a scored one.
_SCORED_PER_FETCHED = 8

# Fetched beyond what is expected to suffice: visible rows do not lie evenly.
_MARGIN = 1.2

_Part = tuple[int, IntArray, FloatArray]  # number of the query, rows, their scores


@dataclass(slots=True)
class _Found:
    """What one query has found so far, segment by segment."""

    parts: list[tuple[Segment, IntArray, FloatArray]] = field(default_factory=list)

    def best(self, k: int, dimension: int) -> Candidates:
        """Return the best k documents, best first. Their vectors are copies: a snapshot may go."""
        if not self.parts:
            return Candidates.of((), dimension)
        if len(self.parts) == 1:
            ((part, rows, scores),) = self.parts
            return _best_of(part.documents[rows], scores, part.vectors, part.keys, rows, k)
        documents = np.concatenate([part.documents[rows] for part, rows, _ in self.parts])
        scores = np.concatenate([scores for _, _, scores in self.parts])
        vectors = np.concatenate([part.vectors[rows] for part, rows, _ in self.parts])
        chunks = np.concatenate([part.keys[rows] for part, rows, _ in self.parts])
        return _best_of(documents, scores, vectors, chunks, np.arange(len(scores)), k)


def _best_of(
    documents: IntArray,
    scores: FloatArray,
    vectors: FloatArray,
    chunks: IntArray,
    rows: IntArray,
    k: int,
) -> Candidates:
    """Choose among m found rows: `rows` (m,) says where in `vectors` and `chunks` they lie."""
    chosen = top_documents(scores, documents, k)
    at = rows[chosen]
    return Candidates(documents[chosen], scores[chosen], vectors[at], chunks[at])


def search(
    view: View,
    nearness: Nearness,
    settings: IndexSettings,
    queries: FloatArray,
    k: int,
    visible: frozenset[str] | None,
    among: Among = EVERYTHING,
) -> list[Candidates]:
    """Return for each query (q, d) its k nearest visible documents, best first, or all if fewer."""
    queries = nearness.query_form(queries)
    base = _Base(view, nearness, settings.ef, *view.admitted(visible, among))
    found: list[Candidates | None] = [None] * len(queries)
    if not view.delta:
        found = list(base.at_once(queries, k))
    rest = [number for number, candidates in enumerate(found) if candidates is None]
    if rest:
        one_by_one = _search_rest(base, queries[rest], k, visible, among)
        for number, candidates in zip(rest, one_by_one, strict=True):
            found[number] = candidates
    return [candidates for candidates in found if candidates is not None]


def _search_rest(
    base: "_Base", queries: FloatArray, k: int, visible: frozenset[str] | None, among: Among
) -> list[Candidates]:
    """Do the same for queries in query form, whatever there is beside the snapshot."""
    view = base.view
    found = [_Found() for _ in queries]
    for segment in view.delta:
        shown = view.admitted_rows(segment, visible, among)
        for number, rows, scores in segment.exact(base.nearness, queries, shown, k):
            found[number].parts.append((segment, rows, scores))
    if base.count:
        everyone = list(range(len(queries)))
        for number, rows, scores in base.search(queries, everyone, k, base.expected(k)):
            found[number].parts.append((view.base, rows, scores))
    return [one.best(k, base.nearness.dimension) for one in found]


@dataclass(frozen=True, slots=True)
class _Base:
    """The snapshot's rows under one filter. `mask` marks the `count` rows that may be found."""

    view: View
    nearness: Nearness
    ef: int
    mask: Mask
    count: int

    def expected(self, k: int) -> int:
        """Rows to fetch so that about k of them pass the filter."""
        return int(np.ceil(_MARGIN * k * len(self.view.base) / self.count))

    def at_once(self, queries: FloatArray, k: int) -> Iterator[Candidates | None]:
        """Yield what each query finds where nothing is left to be chosen, None where something is.

        That is where all rows may be found and the k nearest are of k documents, none as near as
        the next. Everything is done for all queries together, calls cost more than work on few.
        """
        base, fetch = self.view.base, self.expected(k) if self.count else 0
        reached = None
        if self.count == len(base) and self._through_graph(fetch):
            reached = self._reached(queries, fetch)
        if reached is None or fetch <= k:
            yield from [None] * len(queries)
            return
        rows, scores = reached[0][:, :k], reached[1]
        documents = base.documents[rows]
        ordered = np.sort(documents, axis=1)
        plain = (ordered[:, 1:] != ordered[:, :-1]).all(axis=1)
        plain &= (scores[:, 1 : k + 1] < scores[:, :k]).all(axis=1)
        vectors, chunks = base.vectors[rows], base.keys[rows]
        for at, alone in enumerate(plain.tolist()):
            yield (
                Candidates(documents[at], scores[at, :k], vectors[at], chunks[at])
                if alone
                else None
            )

    def _through_graph(self, fetch: int) -> bool:
        """Whether fetching so many rows costs less than scoring all."""
        return self.count > _SCORED_PER_FETCHED * max(fetch, self.ef)

    def _reached(self, queries: FloatArray, fetch: int) -> tuple[IntArray, FloatArray] | None:
        snapshot = self.view.snapshot
        return None if snapshot is None else snapshot.graph.search(queries, fetch)

    def search(
        self, queries: FloatArray, numbers: Sequence[int], k: int, fetch: int
    ) -> Iterator[_Part]:
        """Yield parts with the k best documents of the queries of these numbers."""
        base = self.view.base
        reached = self._reached(queries[numbers], fetch) if self._through_graph(fetch) else None
        if reached is None:
            mask = None if self.count == len(base) else self.mask
            for at, rows, scores in base.exact(self.nearness, queries[numbers], mask, k):
                yield numbers[at], rows, scores
            return
        short = []
        for number, near, nearness in zip(numbers, *reached, strict=True):
            passed = self.mask[near] if self.count < len(base) else slice(None)
            rows, scores = near[passed], nearness[passed]
            if len(set(base.documents[rows].tolist())) < k:
                short.append(number)
            else:
                yield number, rows, scores
        if short:
            yield from self.search(queries, short, k, 4 * fetch)
