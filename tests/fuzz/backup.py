"""Archives of a whole node, as a thief or a broken disk may leave them."""

import hashlib
import io
from functools import cache

import orjson

from node.backup.archive import BLOCK, open_archive, read_parts, write_archive
from node.backup.errors import ArchiveRefused
from node.backup.manifest import Manifest, Part, read_manifest
from tests.fuzz.choices import Choices
from tests.fuzz.long import main
from tests.fuzz.mutate import changed_json, spelled
from tests.fuzz.target import Target

FILES = {"keys/sign.json": b"{}", "log.db": b"SQLite format 3\0" * 40, "peers/a": b""}
MANIFEST = Manifest(
    organisation="clinic.example",
    made_at=1_800_000_000,
    software="0.1.0",
    root_version=1,
    log=None,
    parts=tuple(
        Part(name=name, size=len(raw), sha256=hashlib.sha256(raw).hexdigest())
        for name, raw in FILES.items()
    ),
)


@cache
def valid() -> list[bytes]:
    """A small archive."""
    sink = io.BytesIO()
    write_archive(sink, MANIFEST, lambda name: io.BytesIO(FILES[name]), lambda _: None)
    return [sink.getvalue()]


def nearly(choices: Choices) -> bytes:
    """An archive whose manifest says something else, under a head that fits it."""
    raw = valid()[0]
    head = spelled(changed_json(orjson.loads(MANIFEST.encode()), choices), choices)
    first = bytearray(raw[:BLOCK])
    first[124:136] = b"%011o\0" % len(head)
    first[148:156] = b" " * 8
    first[148:156] = b"%06o\0 " % sum(first)
    rest = raw[BLOCK + -(-len(MANIFEST.encode()) // BLOCK) * BLOCK :]
    return bytes(first) + head + b"\0" * (-len(head) % BLOCK) + rest


def read(raw: bytes) -> None:
    """Read the archive to its end; what is no archive at all as a manifest."""
    if raw[:1] == b"{":
        read_manifest(raw)
        return
    source = io.BytesIO(raw)
    read_parts(source, open_archive(source), lambda _: io.BytesIO(), lambda _: None)


TARGET = Target(
    "backup",
    "an archive is read to its end, or an ArchiveRefused",
    read,
    (ArchiveRefused,),
    valid,
    nearly,
)

if __name__ == "__main__":
    main(TARGET)
