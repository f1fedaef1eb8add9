"""The `interlingua` command: a table of verbs, each in its own file that is imported when needed.

To add a group or a verb, write `node/cli/<name>.py` exporting `app` (see `node/cli/run.py`) and add
its line to `VERBS`. The files import no heavy module at the top: `--help` stays fast.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from node.cli.examples import epilog

GROUPS: dict[str, str] = {
    "adapter": "node.cli.adapter",
    "anchors": "node.cli.anchors",
    "audit": "node.cli.audit",
    "budget": "node.cli.budget",
    "collection": "node.cli.collection",
    "encoder": "node.cli.encoder",
    "exposure": "node.cli.exposure",
    "key": "node.cli.key",
    "peer": "node.cli.peer",
    "policy": "node.cli.policy",
    "selection": "node.cli.selection",
    "space": "node.cli.space",
    "token": "node.cli.token",
}
"""Groups of verbs, `interlingua <group> <verb>`: name -> module."""

SINGLE: dict[str, str] = {
    "init": "node.cli.init",
    "serve": "node.cli.serve",
    "backup": "node.cli.backup",
    "restore": "node.cli.restore",
    "partners": "node.cli.partners",
    "query": "node.cli.query",
    "resolve": "node.cli.resolve",
    "status": "node.cli.status",
    "catalog": "node.cli.catalog",
    "doctor": "node.cli.doctor",
    "evaluate": "node.cli.evaluate",
}
"""Verbs that stand alone, `interlingua <verb>`: name -> module."""

# the order in which --help shows them: the order in which a newcomer meets them
ORDER = (
    "init", "serve", "status", "doctor", "key", "token", "encoder", "collection", "catalog",
    "anchors", "space", "adapter", "evaluate", "peer", "policy", "budget", "exposure", "partners",
    "query", "selection", "resolve", "audit", "backup", "restore",
)  # fmt: skip


class LazyGroup(TyperGroup):
    """The top level: knows all names, imports a verb's file only when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, in the order of a first use."""
        del ctx
        names = [*GROUPS, *SINGLE]
        return sorted(names, key=lambda name: (ORDER.index(name) if name in ORDER else 99, name))

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | TyperGroup | None:
        """The named verb or group; on a wrong name all are loaded, so that one can be suggested."""
        if cmd_name in self.commands:
            return self.commands[cmd_name]  # type: ignore[return-value]  # only `_load` fills it
        if cmd_name in GROUPS or cmd_name in SINGLE:
            self.commands[cmd_name] = loaded = _load(cmd_name)
            return loaded
        for name in self.list_commands(ctx):
            self.get_command(ctx, name)
        return None


def _load(name: str) -> TyperCommand | TyperGroup:
    module = import_module(GROUPS.get(name) or SINGLE[name])
    make = typer.main.get_group if name in GROUPS else typer.main.get_command
    command: Any = make(module.app)
    command.name = name
    _with_examples(command, name)
    loaded: TyperCommand | TyperGroup = command
    return loaded


def _with_examples(command: Any, verb: str) -> None:
    """Show a verb's examples below its help, and so for all verbs of a group."""
    command.epilog = epilog(verb)
    for name, below in getattr(command, "commands", {}).items():
        _with_examples(below, f"{verb} {name}")


app = typer.Typer(
    cls=LazyGroup,
    name="interlingua",
    help="A federated retrieval node: ask partners without sharing documents or models.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"interlingua {version('interlingua')}")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """A federated retrieval node: ask partners without sharing documents or models."""
    del version  # its callback has done it


def main() -> None:
    """Entry point of the `interlingua` command."""
    # Searches, fits and other processes share the cores, and this library's waiting threads spin:
    # joining a space of 5,200 anchors took 9 s of CPU with one thread and 38 s with two on two busy
    # cores. Read when numpy is first imported, so it must be set before.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # no plugin of pydantic's has business with these values, and looking for some reads metadata of
    # every installed package: 30 ms of each start
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "true")
    try:
        leaving = app(prog_name="interlingua", standalone_mode=False)
    except Exception as error:
        if not hasattr(error, "format_message"):  # what typer says of a command line has it
            raise
        from node.cli.usage import refused

        leaving = refused(error, as_json="--json" in sys.argv)
    sys.exit(leaving)


if __name__ == "__main__":
    main()
