"""`interlingua status`: the node at one look."""

from __future__ import annotations

from datetime import UTC, datetime

from node.cli.invocation import VerbGroup
from node.cli.output import finish, line
from node.cli.run import run_operation

app = VerbGroup()


@app.command()
def status() -> None:
    """Show who the node is, where it listens, and what it holds."""
    from node.operations.registry import NoRequest
    from node.operations.status import Status

    result = run_operation("status", NoRequest(), Status)

    def people() -> None:
        line(f"organisation  {result.organisation}")
        line(f"fingerprint   {result.fingerprint}")
        line(f"url           {result.url}")
        line(f"data          {result.data}")
        line(f"version       {result.version}")
        line(f"root document version {result.root_version}, until {_day(result.root_expires)}")
        line(f"card          serial {result.card_serial}, until {_day(result.card_expires)}")
        line(f"tokens        {result.tokens}")
        if result.listeners is None:
            line("listeners     none: the node is stopped")
        else:
            line(f"listeners     federation {result.listeners.federation.url}")
            line(f"              local API  {result.listeners.local_api.url}")
            line(f"              admin      {result.listeners.admin.url}")

    following = "interlingua doctor" if result.listeners else "interlingua serve"
    finish(result, people, next_step=following)


def _day(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
