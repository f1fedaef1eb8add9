"""Small archives, and ways to change their bytes."""

import hashlib
import io
from typing import BinaryIO

from node.backup.archive import open_archive, read_parts, write_archive
from node.backup.manifest import Manifest, Part

PARTS = {
    "interlingua.toml": b"organisation = 'clinic.example'\n",
    "keys/sign.key": b"k" * 511,
    "peers/bank.example.json": b"p" * 512,
    "spaces/" + "s" * 64 + "/members/" + "m" * 64 + ".safetensors": b"v" * 1300,
    "tokens.json": b"",
}


def nothing_moved(_: int) -> None:
    """Nobody looks at the progress."""


def part(name: str, content: bytes, **changes: object) -> Part:
    fields = {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return Part.model_validate({**fields, **changes})


def manifest(parts: dict[str, bytes] = PARTS, listed: tuple[Part, ...] | None = None) -> Manifest:
    """The manifest of parts, or one that lists something else."""
    fields: dict[str, object] = {
        "organisation": "clinic.example",
        "made_at": 1_790_000_000,
        "software": "tests",
        "root_version": 1,
        "log": None,
        "parts": listed or tuple(part(name, content) for name, content in parts.items()),
    }
    return Manifest.model_validate(fields)


def archive(parts: dict[str, bytes] = PARTS, says: Manifest | None = None) -> bytes:
    """The bytes of an archive; `says` is its manifest where that is not the parts' own."""
    sink = io.BytesIO()
    write_archive(
        sink, says or manifest(parts), lambda name: io.BytesIO(parts[name]), nothing_moved
    )
    return sink.getvalue()


class _Kept(io.BytesIO):
    def __init__(self, name: str, into: dict[str, bytes]) -> None:
        super().__init__()
        self._name, self._into = name, into

    def close(self) -> None:
        self._into[self._name] = self.getvalue()
        super().close()


def read(raw: bytes) -> dict[str, bytes]:
    """What an archive holds."""
    found: dict[str, bytes] = {}
    source = io.BytesIO(raw)

    def create(name: str) -> BinaryIO:
        return _Kept(name, found)

    read_parts(source, open_archive(source), create, nothing_moved)
    return found
