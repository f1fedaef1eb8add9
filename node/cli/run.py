"""`run_operation`: the same operation in-process when the node is stopped, else over its socket.

A command file `node/cli/<group>.py` exports `app` and stays light: it imports typer and this
framework at the top, models inside the functions.

    from typing import Annotated
    import typer
    from node.cli.invocation import VerbGroup
    from node.cli.output import finish, line
    from node.cli.run import run_operation

    app = VerbGroup(help="Collections: documents and their indexes.")

    @app.command()
    def compact(collection: Annotated[str, typer.Argument(help="Name of the collection.")]) -> None:
        '''Rebuild an index without its deleted documents.'''
        from node.operations.collections import Compact, Compacted

        result = run_operation("collection.compact", Compact(collection=collection), Compacted)
        finish(
            result,
            lambda: line(f"removed {result.removed} documents"),
            next_step=f"interlingua collection info {collection}",
        )

and gets one line in the table of `node/cli/main.py`. `--data`, `--json`, `--quiet`, errors and exit
codes come with `VerbGroup`. A model that refuses a value (pydantic) ends with exit code 2.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

from node.cli.invocation import current
from node.cli.progress import shown_progress

if TYPE_CHECKING:
    from pydantic import BaseModel

    from node.data_directory import DataDirectory
    from node.operations.registry import Progress

ResultT = TypeVar("ResultT", bound="BaseModel")

WAIT_S = 15.0  # a node that starts, or another command, may hold the lock for a moment


def run_operation(name: str, request: BaseModel, result: type[ResultT]) -> ResultT:
    """Run an operation on the node of `--data` and return its result.

    Args:
        name: registered name, e.g. `collection.compact`.
        request: instance of the operation's request model.
        result: the operation's result model.

    Raises:
        OperationError: the operation did not succeed; `VerbGroup` shows it.
    """
    from node.data_directory import DataDirectory

    data = DataDirectory(current().data)
    data.require()
    with shown_progress(current()) as progress:
        return result.model_validate(_run(data, name, request, progress))


def _run(data: DataDirectory, name: str, request: BaseModel, progress: Progress) -> dict[str, Any]:
    """Try the lock, then the socket, until one answers; the fields of the result."""
    from node.cli.admin_client import NobodyListens, call
    from node.data_directory import DirectoryInUse
    from node.operations.errors import Unavailable

    until = time.monotonic() + WAIT_S
    while True:
        try:
            with data.lock():
                import asyncio  # a verb on a running node does without it

                done = asyncio.run(_in_process(data, name, request, progress))
                return done.model_dump(mode="json")
        except DirectoryInUse:
            pass
        try:
            return call(data.admin_socket, name, request, progress)
        except NobodyListens:
            if time.monotonic() > until:
                raise Unavailable(
                    f"The data directory {data.path} is in use by another command or by a node "
                    "that does not answer on its admin socket.",
                    fix="Wait for the other command, or look at the node's log; then try again.",
                    code="data-directory-in-use",
                ) from None
            time.sleep(0.1)


async def _in_process(
    data: DataDirectory, name: str, request: BaseModel, progress: Progress
) -> BaseModel:
    """Open the node without listeners, run the handler, close it."""
    from node.config_reading import load_settings
    from node.logging import configure
    from node.node import Node
    from node.operations.catalogue import find
    from node.passphrase import Passphrase

    wanted = find(name)
    settings = load_settings(data.config_file)
    # for a person who runs one command: warnings only, and never on standard output
    configure(settings.log.model_copy(update={"level": "warning", "format": "text"}))
    async with Node.opened(data, settings, passphrase=Passphrase(prompt=True)) as node:
        return await wanted.handler(node, request, progress)
