"""Backup and restore, as the command line runs them.

Rule of this file: like the audit verbs, these read the data directory themselves. They work while
the node runs, while it is stopped and when it would not start, and the archive is written and read
with the rights of whoever runs the command; no passphrase crosses the admin socket.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pydantic import BaseModel

from node.operations.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from node.backup.after_loss import GivenUp
    from node.backup.manifest import Manifest
    from node.data_directory import DataDirectory
    from node.operations.registry import Progress
    from node.passphrase import Passphrase


class BackedUp(BaseModel):
    """A backup that was written: sizes in bytes, times in epoch seconds UTC."""

    file: str
    size: int
    sealed: bool
    organisation: str
    made_at: int
    parts: int
    log_leaves: int
    root_version: int


class Restored(BaseModel):
    """A node that was restored; it is compared with its partners when it starts.

    With `--after-loss`: `successor` is the name of the log that will be opened, `found` what
    partners hold beyond the backup, `root_signed` whether the root document is in force already.
    """

    organisation: str
    data: str
    made_at: int
    log_leaves: int
    root_version: int
    successor: str | None = None
    found: tuple[str, ...] = ()
    root_signed: bool = True


class Decided(BaseModel):
    """The partners that a restored node will go on without."""

    without: tuple[str, ...]


def write_backup(
    data: DataDirectory, file: Path, passphrase: bytes | None, at: int, progress: Progress
) -> BackedUp:
    """Write everything of the node into one new file; raises BackupError's kinds or OSError."""
    from node.backup.take import take_backup
    from node.config_reading import load_settings

    data.require()
    organisation = load_settings(data.config_file).organisation
    taken = take_backup(data, organisation, file, passphrase, at, progress)
    manifest = taken.manifest
    return BackedUp(
        file=str(file),
        size=taken.size,
        sealed=passphrase is not None,
        organisation=organisation,
        made_at=manifest.made_at,
        parts=len(manifest.parts),
        log_leaves=_leaves(manifest),
        root_version=manifest.root_version,
    )


def restore_backup(
    file: Path,
    data: DataDirectory,
    passphrase: Callable[[], bytes | None],
    at: int,
    progress: Progress,
) -> Restored:
    """Restore a backup into an empty directory; raises BackupError's kinds or OSError."""
    from node.backup.restore import restored

    with restored(file, data.path, passphrase, at, progress) as (_, manifest):
        return _restored(data, manifest)


def restore_after_loss(
    file: Path,
    data: DataDirectory,
    passphrase: Callable[[], bytes | None],
    keys: Passphrase,
    without: Sequence[str],
    at: int,
    progress: Progress,
) -> Restored:
    """Restore a backup whose log is given up; the directory appears only when all is planned.

    `keys` opens the key files; partners in `without` are not asked. Raises as `restore_backup`, and
    NotCompared.
    """
    from node.backup.restore import restored

    with restored(file, data.path, passphrase, at, progress) as (place, manifest):
        given_up = asyncio.run(_give_up(place, keys, tuple(without)))
        result = _restored(data, manifest)
    return result.model_copy(
        update={
            "successor": given_up.succession.origin,
            "found": given_up.found,
            "root_version": given_up.root_version,
            "root_signed": given_up.root_signed,
        }
    )


def go_on_without(data: DataDirectory, names: Sequence[str]) -> Decided:
    """Note that a restored node may start though these partners could not be asked.

    Raises Conflict for a node that is not marked, PeerUnknown for a name that is no partner.
    """
    from node.backup.marker import read_mark, write_mark
    from node.federation.peers import PeerBook

    data.require()
    with data.lock():
        mark = read_mark(data.mark_file)
        if mark is None or mark.settled:
            raise Conflict(
                "This node was not restored, or has settled with its partners since.",
                fix="interlingua doctor",
                code="not-restored",
            )
        peers = PeerBook.open(data.peers)
        for name in names:
            peers.get(name)
            if name in mark.behind:
                raise Conflict(
                    f"{name} has shown, by this node's own signatures, that it holds more of it. "
                    "Going on without asking it would not make that untrue.",
                    fix="Restore a newer backup; where there is none newer: interlingua restore "
                    "FILE --after-loss --data NEW_DIRECTORY",
                    code="node-behind",
                )
        without = tuple(dict.fromkeys((*mark.without, *names)))
        write_mark(data.mark_file, mark.model_copy(update={"without": without}))
    return Decided(without=without)


async def _give_up(place: DataDirectory, keys: Passphrase, without: tuple[str, ...]) -> GivenUp:
    from node.backup.after_loss import give_up_log
    from node.config_reading import load_settings
    from node.node import Node

    settings = load_settings(place.config_file)
    with place.lock():
        async with Node.opened(place, settings, passphrase=keys) as node:
            for name in without:
                node.peers.get(name)
            return await give_up_log(node, without)


def _restored(data: DataDirectory, manifest: Manifest) -> Restored:
    return Restored(
        organisation=manifest.organisation,
        data=str(data.path),
        made_at=manifest.made_at,
        log_leaves=_leaves(manifest),
        root_version=manifest.root_version,
    )


def _leaves(manifest: Manifest) -> int:
    return manifest.log.size if manifest.log else 0
