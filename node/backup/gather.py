"""Everything of a data directory as it is at one moment, while its node may be writing.

The rule of this file: files and databases belong to one moment. Every file of a node is replaced by
renaming and never changed in place, so a second name (hard link) keeps what it held; then both
databases begin a read transaction; then every file must still be the one that was linked, and none
have come or gone. Else somebody changed something in between, and it is done again.

What is gathered lies in a folder of the data directory, because it is as secret as that is, and the
place where the archive goes may not be. The folder is held by a lock; what a killed backup left is
removed by the next one.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from node.backup.errors import BackupFailed
from node.backup.folder import empty, held_folder, make_folders
from node.backup.manifest import DATABASES, is_part

FOLDER = ".backup"
ATTEMPTS = 50
PAGES = 4096
"""Pages of a database that are copied between two reports of progress (16 MiB)."""

Copied = Callable[[int, int], None]
"""(bytes done, bytes in all) of the databases."""


@contextmanager
def gathered(data: Path, copied: Copied) -> Iterator[Path]:
    """Give a folder that holds the whole node as it was at one moment; it is gone afterwards.

    Raises BackupFailed where another backup runs, where the directory keeps changing, or where it
    holds what is no file; OSError where the disk refuses.
    """
    folder = data / FOLDER
    with held_folder(folder, "Another backup of this node is being written."):
        with ExitStack() as open_databases:
            for name, source in _at_one_moment(data, folder, open_databases).items():
                _copy(source, folder / name, copied)
        yield folder


def backup_under_way(data: Path) -> bool:
    """Whether a copy of the databases lies in the directory: of a backup at work, or killed."""
    return any((data / FOLDER / name).exists() for name in DATABASES)


def _at_one_moment(data: Path, folder: Path, stack: ExitStack) -> dict[str, sqlite3.Connection]:
    """Link the files and begin reading the databases; the transactions stay open."""
    for _ in range(ATTEMPTS):
        files = dict(_files(data, data))
        for name in files:
            if name not in DATABASES:
                _link(data / name, make_folders(folder, name))
        with ExitStack() as attempt:
            databases = {
                name: attempt.enter_context(_reading(data / name))
                for name in DATABASES
                if name in files
            }
            if dict(_files(data, data)) == files:
                stack.enter_context(attempt.pop_all())
                return databases
        empty(folder)
    raise BackupFailed(
        "The node's files change faster than they can be gathered.",
        fix="Wait until partners, grants and spaces are not being changed, and try again.",
    )


def _files(data: Path, folder: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    """Every file that belongs into a backup: relative name -> device and inode."""
    for entry in sorted(os.scandir(folder), key=lambda each: each.name):
        name = os.path.relpath(entry.path, data)
        if entry.name.startswith(".") or not is_part(name):
            continue  # passing names, side files of databases, what is rebuilt
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(data, Path(entry.path))
            elif entry.is_file(follow_symlinks=False):
                status = entry.stat(follow_symlinks=False)
                yield name, (status.st_dev, status.st_ino)
            else:
                raise BackupFailed(
                    f"{entry.path} is neither a file nor a folder.",
                    fix="Put the file itself in its place, or move it out of the data directory.",
                )
        except FileNotFoundError:
            continue  # gone since; the second look sees it


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except FileNotFoundError:
        return  # gone since; the second look sees it
    except OSError:  # another mount, or a file system without links
        shutil.copyfile(source, target)


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection inside a read transaction: it sees the database as it is now, until closed."""
    uri = f"file:{quote(os.fsencode(path))}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA busy_timeout=10000")
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            yield connection
        except sqlite3.DatabaseError as error:
            raise BackupFailed(
                f"{path} cannot be read: {error}.", fix="Run `interlingua doctor`."
            ) from error


def _copy(source: sqlite3.Connection, path: Path, copied: Copied) -> None:
    """SQLite's online backup: page by page, all from the moment at which `source` began."""
    page = int(source.execute("PRAGMA page_size").fetchone()[0])
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(sqlite3.connect(path, isolation_level=None)) as target:
        target.execute("PRAGMA synchronous=OFF")  # it is read once and then removed

        def step(_: int, remaining: int, total: int) -> None:
            copied((total - remaining) * page, total * page)

        source.backup(target, pages=PAGES, progress=step, sleep=0)
