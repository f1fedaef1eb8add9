"""Recall, filters and documents of many chunks, judged by scoring everything."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import numpy as np
import numpy.typing as npt
import pytest

from node.index.among import EVERYTHING, Among
from node.index.candidate import Candidates
from node.index.collection_index import CollectionIndex
from node.index.search import _Base, _search_rest
from tests.node.collections.rooms import SMALL, vectors
from tests.node.index.source import Source, make

D = 32


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Source]:
    source = make(tmp_path, dimension=D)
    yield source
    source.store.close()


def rows_and_queries(count: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """`count` rows, and 50 queries from among their clusters."""
    both = vectors(count + 50, D)
    return both[50:], both[:50]


def exact(
    rows: npt.NDArray[np.float32],
    owners: npt.NDArray[np.int64],
    query: npt.NDArray[np.float32],
    k: int,
) -> list[int]:
    seen: dict[int, None] = {}
    for at in np.argsort(-(rows @ query), kind="stable"):
        seen.setdefault(int(owners[at]))
    return list(seen)[:k]


def recall(found: list[Candidates], expected: list[list[int]]) -> float:
    hits = [
        len({one.key for one in f} & set(e)) / len(e) for f, e in zip(found, expected, strict=True)
    ]
    return float(np.mean(hits))


@dataclass(frozen=True)
class Built:
    """An index of a graph and what came after it, for tests that only search it.

    `draw`: a number of [0, 1) for each row; a document is labelled with every share above its own.
    """

    index: CollectionIndex
    rows: npt.NDArray[np.float32]
    queries: npt.NDArray[np.float32]
    keys: npt.NDArray[np.int64]
    draw: npt.NDArray[np.float64]


SHARES = (0.5, 0.05, 0.002)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    source = make(tmp_path_factory.mktemp("built"), dimension=D)
    rows, queries = rows_and_queries(6_000)
    draw = np.random.default_rng(3).random(len(rows))
    below = [{f"below {share}" for share in SHARES if one < share} for one in draw]
    labels = [frozenset({"all", *names}) for names in below]
    index = source.index()
    keys = source.put(index, rows[:5_000], labels[:5_000])
    index.rebuild(Event())
    keys += source.put(index, rows[5_000:], labels[5_000:])
    yield Built(index, rows, queries, np.array(keys), draw)
    source.store.close()


def test_recall_of_the_graph_is_that_of_the_design(source: Source) -> None:
    rows, queries = rows_and_queries(4_000)
    index = source.index()
    keys = np.array(source.put(index, rows))
    index.rebuild(Event())
    assert (len(index.view.base), index.view.delta_size) == (4_000, 0)
    expected = [exact(rows, keys, query, 10) for query in queries]
    assert recall(index.search(queries, 10, None), expected) > 0.95


def test_snapshot_and_delta_are_searched_as_one(built: Built) -> None:
    assert (len(built.index.view.base), built.index.view.delta_size) == (5_000, 1_000)
    expected = [exact(built.rows, built.keys, query, 10) for query in built.queries]
    assert recall(built.index.search(built.queries, 10, None), expected) > 0.95


@pytest.mark.parametrize("share", SHARES)
def test_a_label_filter_costs_no_results(built: Built, share: float) -> None:
    chosen, keys = built.draw < share, built.keys
    expected = [exact(built.rows[chosen], keys[chosen], query, 10) for query in built.queries]
    found = built.index.search(built.queries, 10, frozenset({f"below {share}", "unheard of"}))
    assert all(len(answer) == min(10, int(chosen.sum())) for answer in found)
    assert {one.key for answer in found for one in answer} <= set(keys[chosen].tolist())
    assert recall(found, expected) > 0.95


def test_a_filter_that_hides_the_nearest_still_yields_k(source: Source) -> None:
    """The worst case for a graph: everything near the query is invisible or deleted."""
    rows = vectors(3_000, D)
    query = rows[:1]
    order = np.argsort(-(rows @ query[0]))
    labels = [frozenset({"far"})] * len(rows)
    for at in order[:2_000]:
        labels[at] = frozenset({"near"})
    index = source.index()
    keys = np.array(source.put(index, rows, labels))
    index.rebuild(Event())
    [found] = index.search(query, 10, frozenset({"far"}))
    assert [one.key for one in found] == keys[order[2_000:2_010]].tolist()
    source.remove(index, keys[order[:2_000]].tolist())
    [found] = index.search(query, 10, None)
    assert [one.key for one in found] == keys[order[2_000:2_010]].tolist()


def test_k_counts_documents_not_chunks(source: Source) -> None:
    rows = vectors(3_000, D)
    near = rows[0] + np.random.default_rng(1).normal(size=(50, D)).astype("f4") * 0.001
    rows[:50] = near / np.linalg.norm(near, axis=1)[:, None]  # one document owns the 50 nearest
    index = source.index()
    keys = source.put(index, rows, chunks=50)
    owners = np.repeat(np.array(keys), 50)
    index.rebuild(Event())
    [found] = index.search(rows[:1], 10, None)
    assert [one.key for one in found] == exact(rows, owners, rows[0], 10)
    best = {key: (rows[owners == key] @ rows[0]).max() for key in keys}
    assert [one.score for one in found] == pytest.approx([best[one.key] for one in found], abs=1e-5)


def test_more_than_there_are_yields_all(source: Source) -> None:
    index = source.index()
    assert [len(found) for found in index.search(vectors(2, D), 5, None)] == [0, 0]
    keys = source.put(index, vectors(30, D))
    for _ in range(2):
        [found] = index.search(vectors(1, D), 1_000, None)
        assert sorted(one.key for one in found) == sorted(keys)
        index.rebuild(Event())


def test_a_batch_finds_what_its_queries_find_alone(source: Source) -> None:
    index = source.index()
    source.put(index, vectors(3_000, D))
    index.rebuild(Event())
    queries = vectors(64, D, seed=4)
    together = index.search(queries, 10, None)
    alone = [index.search(query[None], 10, None)[0] for query in queries]
    assert [[one.key for one in a] for a in together] == [[one.key for one in a] for a in alone]


def test_equal_scores_are_ordered_by_key(source: Source) -> None:
    index: CollectionIndex = source.index()
    keys = source.put(index, np.repeat(vectors(1, D), 20, axis=0))
    [found] = index.search(vectors(1, D), 5, None)
    assert [one.key for one in found] == keys[:5]


@pytest.mark.parametrize("share", [0.9, 0.5, 0.05, 0.002])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_search_among_some_documents_finds_what_scoring_all_of_them_finds(
    built: Built, share: float, seed: int
) -> None:
    """Those that qualify lie anywhere (seed 0), or all on one side of the space (seed 1)."""
    rows, keys = built.rows, built.keys
    order = built.draw if seed == 0 else rows[:, 0]
    chosen = order <= np.quantile(order, share)
    expected = [exact(rows[chosen], keys[chosen], query, 10) for query in built.queries]
    for among in (Among(only=keys[chosen]), Among(without=keys[~chosen])):
        found = built.index.search(built.queries, 10, None, among)
        assert {one.key for row in found for one in row} <= set(keys[chosen].tolist())
        assert all(len(row) == min(10, chosen.sum()) for row in found)
        assert recall(found, expected) > 0.95


@pytest.mark.parametrize("chunks", [1, 2])
def test_what_needs_no_choosing_is_what_choosing_gives(source: Source, chunks: int) -> None:
    index = source.index()
    rows = vectors(3_000, D)
    rows[10] = rows[20]  # as near as one another
    source.put(index, rows, chunks=chunks)
    index.rebuild(Event())
    view, queries = index.view, np.concatenate([vectors(60, D, seed=5), rows[10:12]])
    base = _Base(view, index.nearness, SMALL.ef, *view.admitted(None, EVERYTHING))
    at_once = list(base.at_once(queries, 5))
    chosen = _search_rest(base, queries, 5, None, EVERYTHING)
    assert any(found is not None for found in at_once)
    assert at_once[60] is None
    for found, one in zip(at_once, chosen, strict=True):
        if found is not None:
            for name in ("keys", "scores", "vectors", "chunks"):
                assert np.array_equal(getattr(found, name), getattr(one, name))
