"""Restoring: everything is unpacked and judged beside the target, which then appears at once.

The rule of this file: the target directory comes into being by one rename, whole, marked as
restored and on disk; until then nothing is there, and what a killed restore left is removed by the
next one. A backup is judged before: every digest, both databases, the log against its last
checkpoint, the configuration, the own root document.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from keys.sealed_stream import MAGIC, SealedReader, StreamDamaged, StreamTruncated
from keys.sealing import DoesNotOpen
from node import durable_file
from node.backup.archive import Source, open_archive, read_parts
from node.backup.errors import (
    ArchiveDamaged,
    ArchiveOversized,
    ArchiveSealed,
    ArchiveTruncated,
    TargetNotEmpty,
    WrongPassphrase,
)
from node.backup.folder import held_folder, make_folders
from node.backup.manifest import DATABASES, Manifest
from node.backup.marker import Mark, write_mark
from node.backup.take import log_state
from node.data_directory import DataDirectory
from protocol.canonical import digest

if TYPE_CHECKING:
    from node.operations.registry import Progress

ROOM_BYTES = 64 * 1024 * 1024
"""What must be free on the disk beyond the backup itself."""

AskPassphrase = Callable[[], bytes | None]


@contextmanager
def restored(
    file: Path, target: Path, passphrase: AskPassphrase, at: int, progress: Progress
) -> Iterator[tuple[DataDirectory, Manifest]]:
    """Unpack and judge a backup; the block gets it in a passing place, marked as restored.

    When the block ends without an exception, the directory appears at `target`, which must be empty
    or not there. `passphrase` is asked where the archive is sealed. Raises TargetNotEmpty,
    ArchiveRefused's kinds, or OSError where the disk refuses.
    """
    target = target.expanduser().absolute()
    _require_empty(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = target.with_name(f".{target.name}.restoring")
    with held_folder(folder, f"Another restore into {target} is under way."):
        with file.open("rb") as raw:
            manifest = _unpack(_opened(raw, passphrase), folder, progress)
        data = DataDirectory(folder)
        _judge(data, manifest)
        mark = Mark(
            reason="restored",
            at=at,
            made_at=manifest.made_at,
            manifest=digest(manifest.encode()),
        )
        write_mark(data.mark_file, mark)
        yield data, manifest
        _flush_all(folder)
        _require_empty(target)
        folder.rename(target)  # over an empty directory too
        durable_file.flush(target / "interlingua.toml")
        durable_file.flush_directory(target.parent)


def _opened(raw: BinaryIO, passphrase: AskPassphrase) -> Source:
    sealed = raw.read(len(MAGIC)) == MAGIC
    raw.seek(0)
    if not sealed:
        return raw
    given = passphrase()
    if not given:
        raise ArchiveSealed("The archive is sealed with a passphrase, and none was given.")
    try:
        return _Sealed(SealedReader(raw, given))
    except DoesNotOpen:
        raise WrongPassphrase("The archive does not open with this passphrase.") from None
    except StreamTruncated:
        raise ArchiveTruncated("The file ends in the head of a sealed archive.") from None


class _Sealed:
    """A sealed archive whose faults are this room's errors."""

    def __init__(self, reader: SealedReader) -> None:
        self._reader = reader

    def read(self, size: int, /) -> bytes:
        """Give opened bytes."""
        try:
            return self._reader.read(size)
        except StreamDamaged as error:
            raise ArchiveDamaged(f"The sealed archive was changed: {error}.") from None
        except StreamTruncated:
            raise ArchiveTruncated("The end of the sealed archive is missing.") from None


def _unpack(source: Source, folder: Path, progress: Progress) -> Manifest:
    manifest = open_archive(source)
    free = shutil.disk_usage(folder).free
    if manifest.total + ROOM_BYTES > free:
        raise ArchiveOversized(
            f"The backup holds {manifest.total} bytes, and {free} are free below {folder.parent}."
        )
    done = 0

    def moved(count: int) -> None:
        nonlocal done
        done += count
        progress(done, manifest.total, "unpacked")

    def create(name: str) -> BinaryIO:
        path = make_folders(folder, name)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.fdopen(os.open(path, flags, 0o600), "wb")

    read_parts(source, manifest, create, moved)
    return manifest


def _judge(data: DataDirectory, manifest: Manifest) -> None:
    """Is this a node? Raises ArchiveDamaged, or the error of the room that says no."""
    from node.clock import system_clock
    from node.config_reading import load_settings
    from node.identity import Identity
    from node.passphrase import Passphrase

    for name in ("interlingua.toml", "store.db", "log.db"):
        if not (data.path / name).is_file() and (name not in DATABASES or manifest.log):
            raise ArchiveDamaged(f"The backup holds no {name}.")
    data.create()
    settings = load_settings(data.config_file)
    if settings.organisation != manifest.organisation:
        raise ArchiveDamaged("The backup's manifest names another organisation than its settings.")
    Identity.open(data, settings, Passphrase(), system_clock)
    for name in DATABASES:
        if (data.path / name).is_file():
            _check_database(data.path / name)
    if manifest.log is not None and log_state(data.log_file) != manifest.log:
        raise ArchiveDamaged("The log in the backup is not the one that its manifest names.")


def _check_database(path: Path) -> None:
    uri = f"file:{path}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        try:
            found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(1)")]
        except sqlite3.DatabaseError as error:
            found = [str(error)]
    if found != ["ok"]:
        raise ArchiveDamaged(f"{path.name} in the backup is damaged: {found[0]}.")


def _require_empty(target: Path) -> None:
    if os.path.lexists(target) and (not target.is_dir() or any(target.iterdir())):
        raise TargetNotEmpty(f"{target} is not an empty directory.")


def _flush_all(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_dir():
            durable_file.flush_directory(path)
        else:
            durable_file.flush(path)
    durable_file.flush_directory(folder)
