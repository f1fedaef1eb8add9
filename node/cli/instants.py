"""Points in time on the command line: dates, times and ages, always UTC."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

import typer

from node.shown_time import shown_time

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_AGE = re.compile(r"(\d{1,9})([smhdw])")


def parse_duration(text: str) -> int:
    """Read a length of time such as `90m`, `24h`, `7d`: seconds; raises typer.BadParameter."""
    length = _AGE.fullmatch(text)
    if length is None:
        raise typer.BadParameter(f"{text!r} is no length of time; write 90m, 24h or 7d")
    return int(length.group(1)) * _UNITS[length.group(2)]


def shown_day(instant: int) -> str:
    """Write epoch seconds as a day, UTC: `2026-04-01`."""
    return shown_time(instant, "%Y-%m-%d")


def instant(at: int) -> str:
    """Write epoch seconds as a time, UTC: `2026-04-01 12:30:00`."""
    return shown_time(at)


def parse_instant(text: str | None, now: int | None = None) -> int | None:
    """Read `2026-04-01`, `2026-04-01T12:30`, `...Z` or an age such as `90m`, `24h`, `7d`.

    Returns epoch seconds, UTC; raises typer.BadParameter, which shows the usage.
    """
    if text is None:
        return None
    age = _AGE.fullmatch(text)
    if age:
        present = int(time.time()) if now is None else now
        return max(0, present - int(age.group(1)) * _UNITS[age.group(2)])
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no time; write 2026-04-01, 2026-04-01T12:30Z, 90m, 24h or 7d"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp())
