"""Answers that come together are entered together, and nobody waits for one that does not come."""

import asyncio
from itertools import count

from node.federation.arrivals import Arrivals


async def test_answers_wait_for_one_that_is_about_to_come_and_go_on_in_one_iteration() -> None:
    arrivals, loop = Arrivals(), asyncio.get_running_loop()
    iterations, went_on = count(), []

    async def answer() -> None:
        await arrivals.together()
        went_on.append(next(iterations))
        loop.call_soon(next, iterations)  # runs once all that go on in this iteration have

    for _ in range(3):
        arrivals.left()
    first, second = (asyncio.create_task(answer()) for _ in range(2))
    await asyncio.sleep(0)
    assert went_on == []
    await asyncio.gather(first, second, answer())
    assert went_on == [0, 1, 2]


async def test_an_answer_that_is_alone_waits_for_nobody() -> None:
    arrivals = Arrivals()
    arrivals.left()
    arrivals.left()
    arrivals.lost()
    async with asyncio.timeout(30):
        await arrivals.together()


async def test_who_waits_goes_on_when_others_are_too_late_or_the_last_one_is_lost() -> None:
    arrivals = Arrivals()
    for _ in range(4):
        arrivals.left()
    waiting = [asyncio.create_task(arrivals.together()) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[1].cancel()
    async with asyncio.timeout(30):
        await waiting[0]  # two have not come
    late = asyncio.create_task(arrivals.together())
    await asyncio.sleep(0)
    assert not late.done()
    arrivals.lost()
    await asyncio.sleep(0)
    assert late.done()
