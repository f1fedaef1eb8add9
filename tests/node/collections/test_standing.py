"""A version is searched by vectors of its own space, and by no others, however alike they look."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node.collections.standing import Standing
from node.collections.version import Version
from node.index.located import ForeignSpace, Located
from tests.node.collections.rooms import Rooms, opened, records, unseen, vectors


@pytest.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[Rooms]:
    async with opened(tmp_path) as rooms:
        yield rooms


async def test_vectors_of_another_space_are_never_searched(rooms: Rooms) -> None:
    one, two = await rooms.collection("one"), await rooms.collection("two", revision="2")
    rows = vectors(3)
    await one.ingest(records(rows), 3, unseen)
    with pytest.raises(ForeignSpace):
        await one.serving.search(Located(two.space_id, rows), 1, None)


async def test_the_first_version_that_is_reached_answers(rooms: Rooms) -> None:
    new, old = await rooms.collection("new"), await rooms.collection("old", revision="0")
    standing = Standing(new.serving, former=old.serving)

    def reached_from(space: str) -> str:
        def reach(version: Version) -> str:
            if version.space_id != space:
                raise LookupError(version.name)
            return "reached"

        return standing.first_reached(reach, LookupError)[0].name

    assert reached_from(new.space_id) == new.version
    assert reached_from(old.space_id) == old.version
    with pytest.raises(LookupError, match=new.version):  # what the serving one says counts
        reached_from("sha256:elsewhere")
