"""A process that imports a collection until it is done, killed, or refused by its disk."""

import resource
import sys
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import node.operations.moving
import node.transfer.check
import node.transfer.records
from node.cli.main import app

IMPORTED = (node.operations.moving, node.transfer.check, node.transfer.records)


def run(data: Path, source: Path, said: Path, most_bytes: int | None) -> None:
    """Import as `interlingua collection import` does; no file may grow beyond `most_bytes`."""
    if most_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    with said.open("w") as told:
        sys.stdout = sys.stderr = told
        line = ["collection", "import", "copy", source, "--add-encoder", "given", "--quiet"]
        app([*map(str, line), "--data", str(data)])


def started(
    data: Path, source: Path, said: Path, most_bytes: int | None = None
) -> ForkServerProcess:
    """Start such a process, which writes what it says to `said`."""
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    child = context.Process(target=run, args=(data, source, said, most_bytes))
    child.start()
    return child
