"""Time is an argument below this floor; here is where it comes from."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Returns the present as integer epoch seconds, UTC."""


def system_clock() -> int:
    """The operating system's clock, epoch seconds UTC."""
    return int(time.time())
