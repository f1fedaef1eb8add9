"""A process that imports a collection until it is done, killed, or refused by its disk.

It is killed by a limit of the system, at a byte that the test chooses: nobody watches it meanwhile.
"""

import resource
import signal
import sys
from pathlib import Path

import node.audit.log
import node.cli.collection_moving
import node.content.contents
import node.operations.collections
import node.operations.moving
import node.spaces.spaces
import node.transfer.opening
from node.cli.main import app
from tests.forked import forking

IMPORTED = (
    node.audit.log,
    node.cli.collection_moving,
    node.content.contents,
    node.operations.collections,
    node.operations.moving,
    node.spaces.spaces,
    node.transfer.opening,
)
"""What a command imports only where it is needed, so that no child of the forks' server must."""


def run(data: Path, source: Path, said: Path, most_bytes: int, killed: bool) -> None:
    """Import as `interlingua collection import` does; no file may grow beyond `most_bytes`.

    `killed`: the system ends this process where one would, in the middle of that write; else the
    write is refused, as a full disk refuses it.
    """
    if killed:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    with said.open("w") as told:
        sys.stdout = sys.stderr = told
        line = ["collection", "import", "copy", source, "--add-encoder", "given", "--quiet"]
        app([*map(str, line), "--data", str(data)])


def ended(data: Path, source: Path, said: Path, most_bytes: int, *, killed: bool) -> int:
    """Run such a process, which writes what it says to `said`; returns how it ended."""
    child = forking().Process(target=run, args=(data, source, said, most_bytes, killed))
    child.start()
    child.join()
    assert child.exitcode is not None
    return child.exitcode
