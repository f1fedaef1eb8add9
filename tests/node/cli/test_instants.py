"""Points in time as people write them."""

import pytest
import typer

from node.cli.instants import parse_instant

NOW = 1_800_000_000


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1970-01-02", 86_400),
        ("2026-04-01T12:30", 1_775_046_600),
        ("2026-04-01T12:30Z", 1_775_046_600),
        ("2026-04-01T14:30+02:00", 1_775_046_600),
        ("90s", NOW - 90),
        ("2m", NOW - 120),
        ("24h", NOW - 86_400),
        ("7d", NOW - 604_800),
        ("1w", NOW - 604_800),
        ("999999999w", 0),
        (None, None),
    ],
)
def test_dates_times_and_ages_are_read_as_utc(text: str | None, instant: int | None) -> None:
    assert parse_instant(text, NOW) == instant


@pytest.mark.parametrize("text", ["", "soon", "7 d", "-7d", "2026-13-01", "1.5h"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_instant(text, NOW)
