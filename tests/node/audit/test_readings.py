"""A token that reads without end does not make the log grow without end."""

from pathlib import Path

import pytest

from node.audit.errors import TooManyReadings
from node.audit.readings import MAX_BEGUN, READING_S, Readings
from node.operations.caller import OPERATOR
from node.operations.errors import Unavailable, translate
from protocol.leaf_filter import LeafFilter
from tests.node.audit.entries import opened
from tests.protocol.leaf_samples import AT


async def test_a_token_begins_a_bounded_number_of_readings_in_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_BEGUN * 24 < 10_000, "leaves that one token may leave in a day"
    monkeypatch.setattr("node.audit.readings.MAX_BEGUN", 3)
    now = AT
    async with opened(tmp_path / "log.db") as log:
        readings = Readings(log, lambda: now)

        async def read(by: str, since: int) -> None:
            await readings.note(by, "search", lambda: (log.size(), 1), LeafFilter(since=since))

        for since in range(3):
            await read("board", since)
        for since in range(3):  # further pages of what was begun
            await read("board", since)
        assert log.size() == 3
        with pytest.raises(TooManyReadings) as refused:
            await read("board", 3)
        assert log.size() == 3
        assert isinstance(translate(refused.value), Unavailable)
        await read("other", 3)
        for since in range(9):
            await read(OPERATOR, since)
        now += READING_S
        await read("board", 3)
        assert log.size() == 3 + 1 + 9 + 1
