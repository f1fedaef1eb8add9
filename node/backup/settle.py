"""What stands between a restored node and its first answer.

The rule of this file: nothing is appended to the log before the mark says `settled`: once every
partner was compared with, or a person has decided to go on without it, and none holds more of this
node than it has itself. Then the leaves are appended that say so, and the mark is removed as the
last step. Where the old log was given up, its successor is opened here; each step may be repeated,
so that a crash in between is made good at the next start.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import structlog

from node import durable_file
from node.audit.entry import Entry
from node.audit.log import AuditLog
from node.audit.origin import stated_origin
from node.audit.succession import predecessor_file
from node.backup.compare import Comparison, compare
from node.backup.errors import NodeBehind, NotCompared, NotSettled
from node.backup.left_out import WITHOUT
from node.backup.marker import Mark, Succession, read_mark, write_mark
from node.federation.epochs import day_of, epoch_of
from protocol.document import DocumentRefused
from protocol.leaf import AdminActed, Succeeded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.node import Node

_log = structlog.get_logger("backup")


async def settle(node: Node) -> None:
    """Make a restored node fit to serve; returns at once where it is not marked.

    Raises NodeBehind, NotCompared or NotSettled, and then the mark stays.
    """
    mark = read_mark(node.data.mark_file)
    if mark is None:
        return
    if not mark.settled:
        if mark.succession is None:
            await _agree(node, mark)
        else:
            await _open_successor(node, mark.succession)
        write_mark(node.data.mark_file, mark.model_copy(update={"settled": True}))
    await _log_settled(node, mark)
    durable_file.remove(node.data.mark_file)
    _log.info("settled", reason=mark.reason, without=list(mark.without))


async def _log_settled(node: Node, mark: Mark) -> None:
    """Append the leaves that say how the node was settled; after a crash some may stand twice."""
    for name in mark.without:
        await _append(node, WITHOUT, name, None)
    if mark.succession is None:
        await _append(node, "restore", None, mark.manifest)
    else:
        await _append(node, "restore.after-loss", mark.succession.before, mark.manifest)


async def _agree(node: Node, mark: Mark) -> None:
    """Compare with every partner; take over a root document that only they have."""
    comparison = await compare(node, mark.without, refresh=True)
    if _adopt_root(node, comparison):
        comparison = await compare(node, mark.without)
    if comparison.ignored:
        _log.warning("claims of partners that nothing signed shows", ignored=comparison.ignored)
    if comparison.behind:
        proved = mark.model_copy(update={"behind": comparison.holding_more})
        write_mark(node.data.mark_file, proved)
        raise NodeBehind(say_behind(comparison.behind))
    if comparison.not_compared:
        raise NotCompared(
            "This node was restored, and it is not known what some partners hold of it: "
            f"{'; '.join(comparison.not_compared)}.",
            fix=_decision(node, comparison),
        )


def _decision(node: Node, comparison: Comparison) -> str:
    """What to decide of partners that could not be asked: of those that never can be, at once."""
    silent = [each.organisation for each in comparison.partners if each.judged is None]
    askers = [name for name in silent if node.peers.get(name).root.url is None]
    without = " ".join(f"--without {name}" for name in askers or silent[:1])
    if askers:
        return (
            "Nobody can ask those that only ask; whether this node went back behind what they "
            f"hold, they see by its answers. Go on without them: interlingua restore {without}"
        )
    return (
        "Start it again when they can be reached, or decide to go on without one of them: "
        f"interlingua restore {without}"
    )


def _adopt_root(node: Node, comparison: Comparison) -> bool:
    """Take back the next version of the own root document from a partner that has kept it."""
    for partner in comparison.partners:
        judged = partner.judged
        if judged is None or judged.root is None or judged.root_raw is None:
            continue
        if judged.root.version == node.identity.root.version + 1:
            try:
                node.identity.adopt(judged.root_raw)
            except DocumentRefused:
                continue  # expired or not the successor: it stays a reason not to serve
            return True
    return False


async def _open_successor(node: Node, succession: Succession) -> None:
    """Put the old log aside and begin the new one with the leaf that links them."""
    if succession.kid not in node.identity.root.ring.records:
        raise NotSettled(
            "The successor of the audit log needs a version of the root document that names its "
            "key, and that version is not signed yet.",
            fix="interlingua key root export FILE; sign it where the root key is; then "
            "interlingua key root import FILE, and start the node",
        )
    file, organisation = node.data.log_file, node.settings.organisation
    if stated_origin(file, organisation) == succession.before and file.exists():
        await asyncio.to_thread(_put_aside, node, succession.before)
    signer = node.identity.files.open("log", succession.kid)
    if signer is None:
        raise NotSettled(
            f"The key {succession.kid} of the new log is not in keys/.",
            fix="Restore the backup again into a new directory, with --after-loss.",
        )
    log = AuditLog.open(file, signer, succession.origin, node.clock)
    try:
        if log.size() == 0:
            at = node.clock()
            first = Succeeded(
                at=at,
                origin=succession.before,
                key=succession.before_kid,
                last=succession.last,
                held=succession.held,
                held_by=succession.held_by,
                day=day_of(at),
                epoch=epoch_of(at),
            )
            await log.append(Entry(first))
    finally:
        await log.close()
    for peer in node.peers.all():  # the new log must say itself who the partners are
        node.peers.log_later(peer.organisation)
    node.policy.log_later()


def _put_aside(node: Node, origin: str) -> None:
    file, aside = node.data.log_file, predecessor_file(node.data.path, origin)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")  # one file from now on
    aside.parent.mkdir(mode=0o700, exist_ok=True)
    if not aside.exists():  # else a crash came between link and removal
        os.link(file, aside)
    durable_file.flush(aside)
    durable_file.remove(file)


async def _append(node: Node, operation: str, subject: str | None, detail: str | None) -> None:
    leaf = AdminActed(
        at=node.clock(), by="operator", operation=operation, subject=subject, detail=detail
    )
    await node.log.append(Entry(leaf))


def say_behind(found: Sequence[str]) -> str:
    """One sentence on everything that partners hold beyond this node."""
    return f"Partners hold more of this node than it has itself: {'; '.join(found)}."
