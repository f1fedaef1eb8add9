"""The archive: a tar file in one spelling, manifest first, then the parts in the manifest's order.

The rule of this file: the reader parses nothing. Once it has the manifest it knows every byte that
may follow but the parts' own, and compares; so whatever is not exactly what the writer writes is
refused: other types of entries, links, sparse files, other names, anything after the end. The
archive can still be listed and unpacked with any tar.

Each header is what `tarfile` writes for a regular file of mode 0600, owner 0, and the time of the
backup, in the GNU format (names beyond 100 bytes, sizes beyond 8 GiB).
"""

import hashlib
import tarfile
from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol

from node.backup.errors import ArchiveDamaged, ArchiveOversized, ArchiveTruncated
from node.backup.manifest import MANIFEST, MAX_MANIFEST_BYTES, Manifest, Part, read_manifest

BLOCK = 512
PIECE_BYTES = 1024 * 1024
END = b"\0" * (2 * BLOCK)

_SIZE = slice(124, 136)
"""Where a header holds the part's size: eleven octal digits and a zero byte."""

_TIME = slice(136, 148)


class Sink(Protocol):
    """Where an archive is written to: a file, or what seals it."""

    def write(self, plain: bytes, /) -> object:
        """Take bytes."""


class Source(Protocol):
    """Where an archive is read from; `read` returns less than asked for only at the end."""

    def read(self, size: int, /) -> bytes:
        """Give bytes."""


Moved = Callable[[int], None]
"""Called with the number of bytes of parts that were written or read."""


def write_archive(
    sink: Sink, manifest: Manifest, open_part: Callable[[str], BinaryIO], moved: Moved
) -> None:
    """Write the manifest and every part that it names.

    Raises ArchiveDamaged where a part is not what the manifest says: it changed meanwhile.
    """
    head = manifest.encode()
    sink.write(_header(MANIFEST, len(head), manifest.made_at))
    sink.write(_padded(head))
    for part in manifest.parts:
        sink.write(_header(part.name, part.size, manifest.made_at))
        with open_part(part.name) as file:
            for piece in _checked(part, file, moved):
                sink.write(piece)
        sink.write(_padding(part.size))
    sink.write(END)


def open_archive(source: Source) -> Manifest:
    """Read an archive's manifest; the source then stands at the first part.

    Raises ArchiveDamaged, ArchiveTruncated, ArchiveOversized or ArchiveUnsafe.
    """
    header = source.read(BLOCK)
    if len(header) == BLOCK and header[: len(MANIFEST) + 1] != MANIFEST.encode() + b"\0":
        raise ArchiveDamaged("The file is not a backup of a node.")
    if len(header) < BLOCK:
        raise ArchiveTruncated("The file ends before a backup's manifest.")
    size, made_at = _octal(header[_SIZE]), _octal(header[_TIME])
    if size is None or made_at is None or header != _header(MANIFEST, size, made_at):
        raise ArchiveDamaged("The head of the archive is not that of a backup.")
    if size > MAX_MANIFEST_BYTES:
        raise ArchiveOversized(f"The manifest claims {size} bytes.")
    raw = _exactly(source, size)
    _expect(source, _padding(size))
    manifest = read_manifest(raw)
    if manifest.made_at != made_at:
        raise ArchiveDamaged("Head and manifest of the archive name different times.")
    return manifest


def read_parts(
    source: Source, manifest: Manifest, create: Callable[[str], BinaryIO], moved: Moved
) -> None:
    """Read every part into what `create` opens for it, and the archive's end.

    Raises ArchiveDamaged or ArchiveTruncated; what was written by then must not be used.
    """
    for part in manifest.parts:
        _expect(source, _header(part.name, part.size, manifest.made_at))
        with create(part.name) as file:
            for piece in _checked(part, source, moved):
                file.write(piece)
        _expect(source, _padding(part.size))
    _expect(source, END)
    if source.read(1):
        raise ArchiveDamaged("Something follows the end of the archive.")


def _checked(part: Part, source: Source, moved: Moved) -> Iterator[bytes]:
    """The bytes of a part; raises at the end where they are not those that the manifest names."""
    digest, left = hashlib.sha256(), part.size
    while left:
        piece = source.read(min(left, PIECE_BYTES))
        if not piece:
            raise ArchiveTruncated(f"The archive ends in the middle of {part.name}.")
        digest.update(piece)
        left -= len(piece)
        yield piece
        moved(len(piece))
    if digest.hexdigest() != part.sha256:
        raise ArchiveDamaged(f"{part.name} is not what the manifest says: it was changed.")


def _header(name: str, size: int, made_at: int) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = size, made_at, 0o600
    return entry.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict")


def _octal(field: bytes) -> int | None:
    digits = field[:-1]
    if field[-1:] != b"\0" or not all(48 <= byte <= 55 for byte in digits):
        return None
    return int(digits, 8)


def _padding(size: int) -> bytes:
    return b"\0" * (-size % BLOCK)


def _padded(raw: bytes) -> bytes:
    return raw + _padding(len(raw))


def _expect(source: Source, wanted: bytes) -> None:
    if _exactly(source, len(wanted)) != wanted:
        raise ArchiveDamaged("The archive holds something between its parts, or in another order.")


def _exactly(source: Source, size: int) -> bytes:
    found = source.read(size)
    if len(found) < size:
        raise ArchiveTruncated("The end of the archive is missing.")
    return found
