"""`interlingua status`: the node at one look."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from node.cli.course import course_in_words, filling_in_words
from node.cli.invocation import VerbGroup
from node.cli.output import finish, line
from node.cli.run import run_operation

if TYPE_CHECKING:
    from node.operations.status import Status

app = VerbGroup()


@app.command()
def status() -> None:
    """Show who the node is, where it listens, and what it holds."""
    from node.operations.registry import NoRequest
    from node.operations.status import Status

    result = run_operation("status", NoRequest(), Status)

    finish(
        result,
        lambda: _show(result),
        next_step="interlingua doctor" if result.listeners else "interlingua serve",
    )


def _show(result: Status) -> None:
    line(f"organisation   {result.organisation}  (interlingua {result.version})")
    line(f"fingerprint    {result.fingerprint}")
    line(f"url            {result.url or 'none: asks only'}")
    line(f"data           {result.data}")
    line(f"root document  version {result.root_version}, until {_day(result.root_expires)}")
    line(f"card           serial {result.card_serial}, until {_day(result.card_expires)}")
    line(f"audit log      {result.log_origin}, {result.log_size} leaves")
    line(f"policy         generation {result.policy}, {result.grants} grants")
    line(f"tokens         {result.tokens}")
    for each in result.collections:
        line(f"collection     {each.name}, {each.documents} documents (version {each.version})")
        for other in each.others:
            line(f"               {filling_in_words(other)}")
        if each.course is not None:
            line(f"               {course_in_words(each.course)}")
    for peer in result.peers:
        line(f"partner        {peer.organisation}, {peer.state}")
    if result.listeners is None:
        line("listeners      none: the node is stopped")
        return
    if result.listeners.partners is not None:
        line(f"federation     {result.listeners.partners.url}")
    line(f"local API      {result.listeners.local_api.url}")
    line(f"admin          {result.listeners.admin.url}")


def _day(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
