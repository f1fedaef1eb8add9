"""`interlingua serve`: the running node, in the foreground."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from node.cli.invocation import VerbGroup, current
from node.cli.output import line

if TYPE_CHECKING:
    from node.listeners.addresses import Listeners

app = VerbGroup()


@app.command()
def serve() -> None:
    """Run the node until Ctrl-C or SIGTERM; the log goes to standard error."""
    import asyncio
    import os

    # before numpy loads its OpenBLAS: a question's products are small, and with more questions than
    # processors the library's threads burn more time in waiting for each other than they save
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

    import uvloop

    from node.config_reading import load_settings
    from node.data_directory import DataDirectory
    from node.logging import configure
    from node.passphrase import Passphrase
    from node.serve import serve as run

    data = DataDirectory(current().data)
    data.require()
    settings = load_settings(data.config_file)
    configure(settings.log)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(data, settings, Passphrase(prompt=True), started=_started))


def _started(listeners: Listeners) -> None:
    """Say that the node is up, and let what was loaded until now be looked through no more.

    Else each full collection of cycles would pause every question for as long as that takes.
    """
    import gc

    gc.collect()
    gc.freeze()
    _say(listeners)


def _say(listeners: Listeners) -> None:
    """One line or object on standard output when the node is up."""
    if current().json:
        typer.echo(listeners.model_dump_json())
        return
    if listeners.partners is not None:
        line(f"federation  {listeners.partners.url}  (partners)")
    line(f"local API   {listeners.local_api.url}  (your programs)")
    line(f"admin       {listeners.admin.url}  (health, metrics)")
