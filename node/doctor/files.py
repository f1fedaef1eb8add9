"""Checks of the data directory itself; they need no open node."""

from __future__ import annotations

import os
import shutil
from collections.abc import Container, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from keys.keyfile import KeyFileError, KeyFileMissing, is_sealed
from node.doctor.finding import Finding, problem, warning
from node.health import MIN_FREE_BYTES, disk_reasons
from node.hsm.pin import PIN_FILE_VARIABLE
from node.passphrase import FILE_VARIABLE

if TYPE_CHECKING:
    from node.data_directory import DataDirectory

LOW_FREE_BYTES = 1024 * 1024 * 1024
OTHERS = 0o077
NEEDED_KEYS = ("card", "sign", "log")


def check_files(data: DataDirectory, in_token: Container[str] = ()) -> Iterator[Finding]:
    """Modes and owners of everything, key files, room on the disk.

    `in_token`: purposes whose keys lie in a token, so that no file is missing.
    """
    yield from _modes(data)
    yield from _keys(data, in_token)
    yield from _disk(data.path)
    yield from _secret_files()


def _modes(data: DataDirectory) -> Iterator[Finding]:
    exposed, foreign = [], []
    for path in (data.path, *data.path.rglob("*")):
        status = path.lstat()
        if status.st_mode & OTHERS and not path.is_symlink():
            exposed.append(path)
        if status.st_uid != os.geteuid():
            foreign.append(path)
    if exposed:
        yield problem(
            "files-exposed",
            f"{len(exposed)} files or folders can be read by others, e.g. {exposed[0]}.",
            f"chmod -R go-rwx {data.path}",
        )
    if foreign:
        yield problem(
            "files-of-another-user",
            f"{len(foreign)} files or folders belong to another user, e.g. {foreign[0]}.",
            f"Run the node as their owner, or: chown -R $(id -un) {data.path}",
        )


def _keys(data: DataDirectory, in_token: Container[str]) -> Iterator[Finding]:
    sealed = set()
    purposes = (*NEEDED_KEYS, "root", "master")
    for purpose, path in ((each, file) for each in purposes for file in _files_of(data, each)):
        try:
            sealed.add(is_sealed(path))
        except KeyFileMissing as error:
            if purpose == "root" or purpose in in_token:
                continue  # kept elsewhere; other checks say what is the matter there
            yield problem(error.code, f"{error}.", error.fix)
        except KeyFileError as error:
            yield problem(error.code, f"{error}.", error.fix)
    if sealed == {False}:
        yield warning(
            "keys-unsealed",
            "The key files are protected by their mode alone, not by a passphrase.",
            "Acceptable on an encrypted disk that only the node's user can read; else make the "
            "node anew with a passphrase.",
        )


def _files_of(data: DataDirectory, purpose: str) -> list[Path]:
    """The key files of a purpose, of all generations; where there is none, the first's name."""
    first = data.key_file(purpose)
    found = [path for path in (first, *sorted(data.keys.glob(f"{purpose}.*.key"))) if path.exists()]
    return found or [first]


def _disk(folder: Path) -> Iterator[Finding]:
    for reason in disk_reasons(folder):
        yield problem("disk", f"{reason}.", "Free space, or mount the disk writable.")
    free = shutil.disk_usage(folder).free
    if MIN_FREE_BYTES <= free < LOW_FREE_BYTES:
        yield warning(
            "disk-low", f"{free >> 20} MiB are free below {folder}.", "Free space or add some."
        )


def _secret_files() -> Iterator[Finding]:
    for what, code, variable in (
        ("passphrase", "passphrase-exposed", FILE_VARIABLE),
        ("PIN", "hsm-pin-exposed", PIN_FILE_VARIABLE),
    ):
        name = os.environ.get(variable)
        if name and Path(name).is_file() and Path(name).stat().st_mode & OTHERS:
            yield problem(
                code, f"The {what} file {name} can be read by others.", f"chmod 600 {name}"
            )
