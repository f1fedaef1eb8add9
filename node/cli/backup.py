"""`interlingua backup`: everything of a node in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from node.cli.archive_passphrase import new_passphrase
from node.cli.invocation import VerbGroup, current
from node.cli.output import finish, line, note
from node.cli.progress import shown_progress

app = VerbGroup()


@app.command()
def backup(
    file: Annotated[
        Path, typer.Argument(help="The archive to write; nothing is overwritten.", dir_okay=False)
    ],
    seal: Annotated[
        bool, typer.Option("--seal", help="Ask for a passphrase and seal the archive with it.")
    ] = False,
    passphrase_file: Annotated[
        Path | None,
        typer.Option(help="Seal the archive with the passphrase in this file.", dir_okay=False),
    ] = None,
) -> None:
    """Write keys, documents, log, partners, grants and settings into one file, at one moment."""
    from node.clock import system_clock
    from node.data_directory import DataDirectory
    from node.operations.backup import write_backup

    passphrase = new_passphrase(seal, passphrase_file)
    data = DataDirectory(current().data)
    with shown_progress(current()) as progress:
        result = write_backup(data, file.absolute(), passphrase, system_clock(), progress)

    def people() -> None:
        line(f"{result.file}: {result.size} bytes, {result.parts} parts, mode 0600")
        line(
            f"{result.organisation}: log of {result.log_leaves} leaves, root v{result.root_version}"
        )
        if not result.sealed:
            note("It is not sealed: whoever reads it has the keys and the documents (--seal).")

    finish(result, people, next_step=f"interlingua restore {file} --data EMPTY_DIRECTORY")
