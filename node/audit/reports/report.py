"""What a report is: tables of plain cells, and what must be said beside them.

Rule of this file: a report holds no name of a person and no actor commitment, whatever leaves hold.
What was searched for (`search`) holds what its leaves hold.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel

from node.shown_time import LAST, shown_time

Kind = Literal["disclosures", "denied", "exposure", "subject"]
"""Reports that are made from the log; `search` is what was searched for, written as one."""
Period = Literal["day", "month", "quarter", "year"]
Cell = str | int

DAY_S = 86_400


class ReportTable(BaseModel):
    """One table; every row has as many cells as there are columns."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


class Report(BaseModel):
    """A report on one log, as it was when it had `size` leaves and the RFC 6962 root `root` (hex).

    `conditions`: what was asked for, as (name, value); times in the tables are UTC.
    """

    kind: Kind | Literal["search"]
    title: str
    origin: str
    size: int
    root: str
    conditions: tuple[tuple[str, str], ...]
    tables: tuple[ReportTable, ...]
    notes: tuple[str, ...]


@lru_cache(maxsize=4096)
def _name_of(day_: int, period: Period) -> str:
    if day_ > LAST // DAY_S:
        return "after 9999"  # a leaf may state any time
    day = datetime.fromtimestamp(day_ * DAY_S, UTC)
    names = {
        "day": f"{day:%Y-%m-%d}",
        "month": f"{day:%Y-%m}",
        "quarter": f"{day:%Y}-Q{(day.month + 2) // 3}",
        "year": f"{day:%Y}",
    }
    return names[period]


def period_of(at: int, period: Period) -> str:
    """Name the period that holds `at` (epoch seconds, UTC): `2026-04-01`, `2026-04`, `2026-Q2`."""
    return _name_of(at // DAY_S, period)


def moment(at: int) -> str:
    """Write epoch seconds for people: `2026-04-01 12:30:05`, UTC."""
    return shown_time(at)


def day(at: int) -> str:
    """Write epoch seconds as a day: `2026-04-01`, UTC."""
    return period_of(at, "day")
