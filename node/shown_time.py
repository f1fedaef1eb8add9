"""Writing epoch seconds for people, UTC.

Rule of this file: whoever signs a leaf or a cosignature states its time, so any number can be
shown; one that the calendar of this program does not reach is shown as it is.
"""

from datetime import UTC, datetime

LAST = 253_402_300_799
"""The last second of the year 9999."""


def shown_time(at: int, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """Write epoch seconds as a time, by default `2026-04-01 12:30:05`."""
    if not 0 <= at <= LAST:
        return f"{at} s"
    return datetime.fromtimestamp(at, UTC).strftime(form)
