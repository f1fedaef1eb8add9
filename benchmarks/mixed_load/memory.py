"""Whether a process's memory stays flat, once it is warm.

The rule of this file: what counts is the line through all samples after the warm-up (Theil and Sen:
the median of the slopes between pairs, which single peaks do not move), and what it adds over the
judged time, as a share of where it begins. Memory is what is the process's own: pages of files that
it has mapped are the system's to take back.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

WARM_UP = 0.35
"""Share of the run that is not judged: caches fill, allocators find their size."""
FLAT = 0.1
"""Share by which the line may rise over the judged time."""


def held(pid: int | str = "self") -> dict[str, int]:
    """Bytes of a process in memory: its own, and pages of files; 0 where /proc does not say."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        lines = []
    said = {name: value for name, _, value in (line.partition(":") for line in lines)}
    kilobytes = {name: int(said.get(name, "0 kB").split()[0]) for name in ("RssAnon", "RssFile")}
    return {"anonymous": kilobytes["RssAnon"] * 1024, "mapped": kilobytes["RssFile"] * 1024}


@dataclass
class Memory:
    """Resident bytes of a process, its own pages, by time in seconds."""

    pid: int
    at: list[float] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)

    def sample(self) -> None:
        """Read what it has now."""
        self.at.append(time.monotonic())
        self.resident.append(held(self.pid)["anonymous"])

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
