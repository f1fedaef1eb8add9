"""Taking a backup: gather, list, write beside the final name, and only then name it.

The rule of this file: a file of the final name is a whole backup, on disk. It is written under a
passing name in the same folder, mode 0600, and linked when it is complete, which fails where
renaming would overwrite.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from keys.sealed_stream import SealedWriter
from node import durable_file
from node.audit import log_key_rows, schema, tree_rows
from node.backup.archive import write_archive
from node.backup.errors import BackupExists, BackupFailed
from node.backup.gather import gathered
from node.backup.manifest import LogState, Manifest, Part

if TYPE_CHECKING:
    from node.data_directory import DataDirectory
    from node.operations.registry import Progress


@dataclass(frozen=True)
class Taken:
    """A backup that was written: its manifest, and the size of its file in bytes."""

    manifest: Manifest
    size: int


def take_backup(
    data: DataDirectory,
    organisation: str,
    file: Path,
    passphrase: bytes | None,
    at: int,
    progress: Progress,
) -> Taken:
    """Write everything of a node into one new file, sealed where a passphrase is given.

    Works while the node runs and while it is stopped. `at` is now (epoch seconds, UTC). Raises
    BackupExists, BackupFailed, the errors of the audit log, or OSError where the disk refuses.
    """
    if os.path.lexists(file):
        raise BackupExists(f"{file} exists and was not replaced.")
    with gathered(data.path, lambda done, total: progress(done, total, "databases")) as folder:
        manifest = _list(folder, organisation, at, progress)
        with _new_file(file) as sink:
            _write(folder, manifest, sink, passphrase, progress)
            size = sink.tell()
    return Taken(manifest, size)


def _list(folder: Path, organisation: str, at: int, progress: Progress) -> Manifest:
    """Digest every gathered file, and look whether what was gathered makes a node."""
    names = sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )
    parts = []
    for done, name in enumerate(names):
        progress(done, len(names), "digests")
        parts.append(_part(folder / name, name))
    return Manifest(
        organisation=organisation,
        made_at=at,
        software=f"interlingua {version('interlingua')}",
        root_version=_root_version(folder / "roots"),
        log=log_state(folder / "log.db") if "log.db" in names else None,
        parts=tuple(parts),
    )


def _root_version(roots: Path) -> int:
    versions = [int(path.stem) for path in roots.glob("*.json") if path.stem.isdigit()]
    if not versions:
        raise BackupFailed(f"There is no root document in {roots.name}/: this is no whole node.")
    return max(versions)


def log_state(path: Path) -> LogState | None:
    """Compare a log's stored hashes with its last checkpoint, and return how far it has grown.

    None for a log that was never begun. Raises LogRefused's kinds.
    """
    uri = f"file:{path}?mode=ro&immutable=1"
    with schema.named(path), closing(sqlite3.connect(uri, uri=True)) as connection:
        origin = schema.meta(connection, "origin")
        if not origin:
            return None
        terms = log_key_rows.stated_terms(connection)
        head = tree_rows.load(connection, origin, log_key_rows.keys_of(terms, origin)).head
    checkpoint = head.checkpoint
    return LogState(
        origin=origin,
        size=checkpoint.size,
        root=checkpoint.root.hex(),
        checkpoint=head.note.decode(),
    )


def _part(path: Path, name: str) -> Part:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Part(name=name, size=file.tell(), sha256=digest)


def _write(
    folder: Path,
    manifest: Manifest,
    sink: BinaryIO,
    passphrase: bytes | None,
    progress: Progress,
) -> None:
    done = 0

    def moved(count: int) -> None:
        nonlocal done
        done += count
        progress(done, manifest.total, "archive")

    def part(name: str) -> BinaryIO:
        return (folder / name).open("rb")

    if passphrase is None:
        write_archive(sink, manifest, part, moved)
        return
    sealed = SealedWriter(sink, passphrase)
    write_archive(sealed, manifest, part, moved)
    sealed.finish()


@contextmanager
def _new_file(file: Path) -> Iterator[BinaryIO]:
    """A file that gets its name when the block has ended and its bytes are on disk."""
    passing = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
    descriptor = os.open(passing, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as sink:
            yield sink
            sink.flush()
            os.fsync(sink.fileno())
        _name(passing, file)
    finally:
        passing.unlink(missing_ok=True)
    durable_file.flush(file)


def _name(passing: Path, file: Path) -> None:
    try:
        os.link(passing, file)
    except FileExistsError:
        raise BackupExists(f"{file} exists and was not replaced.") from None
    except OSError:  # a file system without links, such as that of a memory stick
        if os.path.lexists(file):
            raise BackupExists(f"{file} exists and was not replaced.") from None
        passing.rename(file)
