"""Searches that wait are done together, and each finds what it would find alone."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest

from node.collections.waiting_searches import IN_A_ROW, MOST_TOGETHER, WaitingSearches
from node.index.among import EVERYTHING, Among
from node.index.candidate import Candidate, Candidates, FloatArray

BAD = 99


class Index:
    """Finds each query's first component as a key; the first search waits until it may go on."""

    def __init__(self) -> None:
        self.may_go_on = Event()
        self.sizes: list[int] = []

    def search(
        self, queries: FloatArray, k: int, visible: frozenset[str] | None, among: Among
    ) -> list[Candidates]:
        del visible, among
        assert self.may_go_on.wait(10)
        if k == 13:
            raise OSError("broken")
        if (queries[:, 0] == BAD).any():
            raise ValueError("bad")
        self.sizes.append(len(queries))
        return [Candidates.of([Candidate(int(q[0]), k, q)] * k, 2) for q in queries]


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def rows(*first: int) -> FloatArray:
    return np.array([[n, 1] for n in first], dtype=np.float32)


async def test_what_waits_is_searched_together_and_each_gets_its_own(
    executor: ThreadPoolExecutor,
) -> None:
    index = Index()
    searches = WaitingSearches(index.search, executor, 1)

    def ask(k: int, *first: int) -> asyncio.Task[list[Candidates]]:
        return asyncio.create_task(searches.search(rows(*first), k, None, EVERYTHING))

    first = ask(1, 0)
    await asyncio.sleep(0)  # it has been handed to the thread
    waiting = [ask(2, 1), ask(2, 2, 3), ask(3, 4), ask(2, 5)]
    gone = ask(2, 6)
    await asyncio.sleep(0)
    gone.cancel()
    index.may_go_on.set()
    assert [found.keys.tolist() for found in await first] == [[0]]
    found = await asyncio.gather(*waiting)
    keys = [[each.keys.tolist() for each in one] for one in found]
    assert keys == [[[1, 1]], [[2, 2], [3, 3]], [[4, 4, 4]], [[5, 5]]]
    assert index.sizes in ([1, 5, 1], [1, 4, 1])  # whoever was cancelled may still be in it


async def test_no_more_than_the_most_are_searched_together(executor: ThreadPoolExecutor) -> None:
    index = Index()
    searches = WaitingSearches(index.search, executor, 1)
    first = asyncio.create_task(searches.search(rows(0), 1, None, EVERYTHING))
    await asyncio.sleep(0)  # it has been handed to the thread
    many = rows(*range(MOST_TOGETHER))
    asked = [searches.search(many, 1, None, EVERYTHING) for _ in range(2)]
    both = asyncio.gather(*asked)
    await asyncio.sleep(0)
    index.may_go_on.set()
    await asyncio.gather(first, both)
    assert index.sizes == [1, MOST_TOGETHER, MOST_TOGETHER]


async def test_a_failed_search_fails_those_that_were_in_it_and_nobody_else(
    executor: ThreadPoolExecutor,
) -> None:
    index = Index()
    index.may_go_on.set()
    searches = WaitingSearches(index.search, executor, 2)
    for _ in range(3):  # the thread goes on afterwards
        with pytest.raises(OSError, match="broken"):
            await searches.search(rows(1), 13, None, EVERYTHING)
        assert len(await searches.search(rows(1), 1, None, EVERYTHING)) == 1


async def test_a_question_that_no_search_can_take_fails_alone(executor: ThreadPoolExecutor) -> None:
    index = Index()
    searches = WaitingSearches(index.search, executor, 1)
    first = asyncio.create_task(searches.search(rows(0), 1, None, EVERYTHING))
    await asyncio.sleep(0)  # it has been handed to the thread
    asked = [searches.search(rows(n, 3), 2, None, EVERYTHING) for n in (1, BAD, 2)]
    both = asyncio.gather(*asked, return_exceptions=True)
    await asyncio.sleep(0)
    index.may_go_on.set()
    await first
    one, bad, two = await both
    assert isinstance(bad, ValueError)
    assert not isinstance(one, BaseException)
    assert not isinstance(two, BaseException)
    assert [[each.keys.tolist() for each in found] for found in (one, two)] == [
        [[1, 1], [3, 3]],
        [[2, 2], [3, 3]],
    ]


async def test_an_index_that_is_asked_without_end_leaves_threads_to_others() -> None:
    with ThreadPoolExecutor(1) as one:
        index = Index()
        searches = WaitingSearches(index.search, one, 1)
        kinds = range(20, 20 + 3 * IN_A_ROW)
        asked = asyncio.gather(*(searches.search(rows(1), k, None, EVERYTHING) for k in kinds))
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # the first one has been handed to the thread
        other = asyncio.get_running_loop().run_in_executor(one, lambda: len(index.sizes))
        index.may_go_on.set()
        assert await other == IN_A_ROW
        assert len(await asked) == len(kinds)
