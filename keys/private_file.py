"""Files that only their owner may read, written whole or not at all.

The rule of this file: a private file is born with mode 0600, appears under its name only when it is
complete and on disk, and never takes the place of another. It is read only if it is a regular file
of the process's own user that nobody else can read; the check and the reading use one descriptor.

    KeyFileError
    +-- KeyFileExists     something is there already
    +-- KeyFileMissing    nothing is there
    +-- KeyFileExposed    others can read it, another user owns it, or it is a link
    +-- KeyFileSealed     a passphrase is needed
    +-- WrongPassphrase   the passphrase does not open it, or somebody changed the file
    +-- KeyFileDamaged    not a key file, or not the one that was asked for
"""

import errno
import os
import secrets
import stat
from pathlib import Path
from typing import ClassVar

MAX_FILE_BYTES = 64 * 1024

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class KeyFileError(Exception):
    """A key file cannot be used; the text names file and cause, `fix` says what to do."""

    code: ClassVar[str] = "key-unusable"
    fix = "Check the file's owner and mode, and the disk; else restore it from a backup."

    def __init__(self, cause: str, *, fix: str = "") -> None:
        super().__init__(cause)
        if fix:
            self.fix = fix


class KeyFileExists(KeyFileError):
    """A file of that name is there already and is left alone."""

    code = "key-exists"
    fix = "Move it away first, if it is no longer needed."


class KeyFileMissing(KeyFileError):
    """There is no file of that name."""

    code = "key-missing"
    fix = "Restore keys/ from a backup, or put the file back."


class KeyFileExposed(KeyFileError):
    """Somebody else can read or replace the file, so its secret is not one."""

    code = "key-exposed"
    fix = "Put the file itself in its place."


class KeyFileSealed(KeyFileError):
    """The file is sealed and no passphrase was given."""

    code = "key-sealed"
    fix = "Give its passphrase."


class WrongPassphrase(KeyFileError):
    """The passphrase does not open the file, or the file was changed since it was sealed."""

    code = "passphrase-wrong"
    fix = "Give the passphrase with which it was sealed, or restore the file from a backup."


class KeyFileDamaged(KeyFileError):
    """The file does not hold what it should."""

    code = "key-damaged"
    fix = "Restore it from a backup."


def write_private(path: Path, content: bytes) -> None:
    """Create `path` with mode 0600 and `content`, durably. Raises KeyFileExists.

    The content is written under a passing name in the same directory and then linked: linking fails
    where renaming would overwrite.
    """
    passing = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(passing, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o600)  # an odd umask may have taken the owner's own bits
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(passing, path)
    except FileExistsError:
        raise KeyFileExists(f"{path} exists and was not replaced") from None
    finally:
        passing.unlink(missing_ok=True)
    _sync_directory(path.parent)


def read_private(path: Path) -> bytes:
    """Return the content of a private file.

    Raises KeyFileMissing, KeyFileExposed, or KeyFileDamaged where it is too long.
    """
    # Non-blocking, so that opening a named pipe does not wait for a writer.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        raise KeyFileMissing(f"there is no {path}") from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise KeyFileExposed(f"{path} is a symbolic link") from None
        raise KeyFileError(f"{path} cannot be opened: {error.strerror}") from None
    try:
        _check_private(path, os.fstat(descriptor))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(MAX_FILE_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(content) > MAX_FILE_BYTES:
        raise KeyFileDamaged(f"{path} has more than {MAX_FILE_BYTES} bytes; it is no key file")
    return content


def _check_private(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise KeyFileExposed(f"{path} is not a regular file")
    if found.st_uid != os.geteuid():
        raise KeyFileExposed(
            f"{path} belongs to user {found.st_uid}, and this process runs as {os.geteuid()}",
            fix="Give the file to the user that runs the node.",
        )
    if found.st_mode & _OTHERS:
        raise KeyFileExposed(
            f"{path} has mode {stat.S_IMODE(found.st_mode):04o}, so others may have read it",
            fix=f"chmod 600 {path}; replace the key if others were on this machine.",
        )


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
