"""How points in time are shown to people."""

from __future__ import annotations

from datetime import UTC, datetime


def minute(at: int) -> str:
    """Epoch seconds as a UTC date and time to the minute."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%MZ")
