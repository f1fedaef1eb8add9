"""`interlingua restore`: a node from a backup, and what its admin decides about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.archive_passphrase import known_passphrase
from node.cli.invocation import VerbGroup, current
from node.cli.output import finish, line, note
from node.cli.progress import shown_progress

if TYPE_CHECKING:
    from node.data_directory import DataDirectory
    from node.operations.backup import Restored

app = VerbGroup()


@app.command()
def restore(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="The archive; without one only --without is noted.", dir_okay=False, exists=True
        ),
    ] = None,
    after_loss: Annotated[
        bool,
        typer.Option(
            "--after-loss",
            help="Give up the log, of which partners hold more than the archive, and open another.",
        ),
    ] = False,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORGANISATION",
            help="Go on though this partner cannot say what it holds; repeat for more.",
        ),
    ] = None,
    passphrase_file: Annotated[
        Path | None, typer.Option(help="The passphrase of a sealed archive.", dir_okay=False)
    ] = None,
) -> None:
    """Restore a backup into an empty directory (--data); it compares itself at its first start."""
    from node.data_directory import DataDirectory
    from node.operations.errors import InvalidRequest

    data = DataDirectory(current().data)
    names = tuple(without or ())
    if file is None:
        if not names or after_loss:
            raise InvalidRequest(
                "Name the archive to restore, or --without a partner.",
                fix="interlingua restore FILE --data NEW_DIRECTORY",
            )
        _decide(data, names)
        return
    if names and not after_loss:
        raise InvalidRequest(
            "Which partners a restored node goes on without is decided when it was restored.",
            fix="Leave out --without; `interlingua serve` says which partners cannot be asked.",
        )
    _restore(file, data, names, passphrase_file, after_loss=after_loss)


def _restore(
    file: Path,
    data: DataDirectory,
    without: tuple[str, ...],
    passphrase_file: Path | None,
    *,
    after_loss: bool,
) -> None:
    from node.clock import system_clock
    from node.operations.backup import restore_after_loss, restore_backup
    from node.passphrase import Passphrase

    ask = known_passphrase(passphrase_file)
    with shown_progress(current()) as progress:
        if after_loss:
            keys = Passphrase(prompt=True)
            result = restore_after_loss(file, data, ask, keys, without, system_clock(), progress)
        else:
            result = restore_backup(file, data, ask, system_clock(), progress)
    finish(result, lambda: _say(result), next_step=_next(result))


def _decide(data: DataDirectory, names: tuple[str, ...]) -> None:
    from node.operations.backup import go_on_without

    result = go_on_without(data, names)
    finish(
        result,
        lambda: line(f"goes on without: {', '.join(result.without)}"),
        next_step="interlingua serve",
    )


def _say(result: Restored) -> None:
    line(f"{result.organisation} was restored into {result.data}")
    line(f"as of {_time(result.made_at)}: log of {result.log_leaves} leaves")
    note(
        "Decisions taken since then are undone: look at `interlingua peer list`, `policy show` and "
        "`token list`, and revoke again what was revoked."
    )
    if result.successor is None:
        note("It answers and asks nobody before it has compared itself with its partners.")
        return
    for what in result.found:
        note(f"lost: {what}")
    line(f"its log will be succeeded by {result.successor}; root v{result.root_version}")
    note(
        "Budgets count as spent until the day ends, exposures until the epoch ends. Each partner's "
        "admin must approve the new log: interlingua peer approve-log " + result.organisation
    )


def _time(at: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%MZ")


def _next(result: Restored) -> str:
    return "interlingua serve" if result.root_signed else "interlingua key root export FILE"
