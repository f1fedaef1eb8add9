"""Who waits in step goes on when all others have come as far; who is alone does not wait."""

import asyncio

from node.federation.in_step import InStep


async def _walk(in_step: InStep, who: str, seen: list[str]) -> None:
    for step in "ab":
        seen.append(step + who)
        await in_step


def test_each_step_is_taken_by_all_before_the_next() -> None:
    async def walk() -> list[str]:
        seen: list[str] = []
        in_step = InStep(lambda: True)
        await asyncio.gather(*(_walk(in_step, who, seen) for who in "123"))
        return seen

    assert asyncio.run(walk()) == ["a1", "a2", "a3", "b1", "b2", "b3"]


def test_who_is_alone_takes_its_steps_at_once() -> None:
    async def walk() -> list[str]:
        seen: list[str] = []
        await asyncio.gather(_walk(InStep(lambda: False), "1", seen), _other(seen))
        return seen

    assert asyncio.run(walk()) == ["a1", "b1", "other"]


async def _other(seen: list[str]) -> None:
    seen.append("other")
