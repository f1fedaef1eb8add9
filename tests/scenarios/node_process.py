"""A node in a process that can be killed, forked from one that has imported everything."""

import asyncio
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from node.config_reading import parse_settings
from node.data_directory import DataDirectory
from node.listeners import admin, federation, local_api
from node.passphrase import Passphrase
from node.serve import serve
from tests.forked import forking

IMPORTED = (admin, federation, local_api)


def run(data: Path) -> None:
    """Serve the node of a data directory, as `interlingua serve` does."""
    directory = DataDirectory(data)
    settings = parse_settings(directory.config_file.read_text(), "interlingua.toml", environ={})
    asyncio.run(serve(directory, settings, Passphrase(), started=lambda _: None))


async def started(data: Path) -> ForkServerProcess:
    """Start such a process."""
    child = forking().Process(target=run, args=(data,))
    await asyncio.to_thread(child.start)
    return child
