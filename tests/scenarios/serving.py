"""A whole node in a process of its own, to be killed or to meet a disk that refuses."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.scenarios.world import Organisation


@asynccontextmanager
async def serving(
    data: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a node in a process of its own, as `interlingua serve` does; kill it at the end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "node.cli.main", "serve", "--data", str(data)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={
            **os.environ,
            "INTERLINGUA_LOCAL_API__PORT": "0",
            "INTERLINGUA_ADMIN__PORT": "0",
            **(environment or {}),
        },
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def until_it_answers(lab: Organisation) -> None:
    """Ask the one partner until it answers."""
    for _ in range(600):
        if (await lab.ask_one()).state == "ok":
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the node did not come up")
