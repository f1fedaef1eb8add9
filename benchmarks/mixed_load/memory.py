"""Whether a process's memory stays flat, once it is warm.

The rule of this file: what counts is the line through all samples after the warm-up (Theil and Sen:
the median of the slopes between pairs, which single peaks do not move), and what it adds over the
judged time, as a share of where it begins.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

WARM_UP = 0.35
"""Share of the run that is not judged: caches fill, allocators find their size."""
FLAT = 0.1
"""Share by which the line may rise over the judged time."""


@dataclass
class Memory:
    """Resident bytes of a process by time in seconds."""

    pid: int
    at: list[float] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)

    def sample(self) -> None:
        """Read what it has now."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        self.at.append(time.monotonic())
        self.resident.append(pages * os.sysconf("SC_PAGE_SIZE"))

    def told(self) -> dict[str, float]:
        """The line after the warm-up: its begin in MB, bytes a second, and its rise as a share."""
        begin, slope, rise = line(self.at, self.resident)
        return {"begins_mb": begin / 1e6, "bytes_per_second": slope, "rise": rise}


def line(at: list[float], resident: list[int]) -> tuple[float, float, float]:
    """Return begin (bytes), slope (bytes a second) and rise (share) of the line after warm-up."""
    times, held = np.array(at, dtype=np.float64), np.array(resident, dtype=np.float64)
    warm = times >= times[0] + WARM_UP * (times[-1] - times[0])
    times, held = times[warm] - times[warm][0], held[warm]
    earlier, later = np.triu_indices(len(times), k=1)
    slope = float(np.median((held[later] - held[earlier]) / (times[later] - times[earlier])))
    begin = float(np.median(held - slope * times))
    return begin, slope, slope * float(times[-1]) / begin
