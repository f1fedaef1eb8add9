"""What a figure depends on besides the code.

The rule of this file: it names the machine's kind and state, never the machine.
"""

from __future__ import annotations

import os
import platform
import random
import socket
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

_PORTS = range(20_000, 32_000)


def machine() -> dict[str, Any]:
    """What the figures depend on besides the code."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {
            name: version(name)
            for name in ("interlingua", "hnswlib", "numpy", "aiohttp", "cryptography", "uvloop")
        },
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """So many different ports that nobody listened on a moment ago.

    Below those that systems give to outgoing connections, which would take one away meanwhile.
    """
    found: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"fewer than {count} ports of {_PORTS} are free")
