"""What is in a backup: the list of its parts, which stands in front of them.

The rule of this file: a manifest that was read names only parts that a node's directory may hold,
each once, with size and digest; so the reader knows every byte that may follow. Names are relative
paths whose every step is plain; what is rebuilt or lives only while a node runs is no part.
"""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from node.backup.errors import ArchiveDamaged, ArchiveOversized, ArchiveUnsafe

MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 64 * 1024 * 1024
MAX_PARTS = 200_000
MAX_PART_BYTES = 1 << 43  # 8 TiB; SQLite's own limit is larger, disks are smaller
MAX_STEPS = 8

DATABASES = ("store.db", "log.db", "witness.db")
"""Parts that are copied by SQLite, because they change while they are read."""

LEFT_OUT = frozenset(
    {
        "indexes",  # rebuilt
        "lock",
        "admin.sock",
        "listeners.json",
        "restored.json",
        "card.json",  # an older one than partners hold would be refused; a new one is signed
        "invitations.json",  # one that was used since must not become good again
        "selection.db",  # vectors of own questions; learnt anew
        "content.db",  # what was erased must not come back with a backup
        "content_keys.db",
    }
)
"""Entries of a data directory that are made anew, or mean something only there and then."""

LEFT_OUT_FILES = frozenset({"keys/content.key"})
"""The same, within folders that belong into a backup."""

_STEP = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+@-]{0,254}")
_SIDE_FILES = ("-wal", "-shm", "-journal")


class Part(BaseModel):
    """One file: its relative path, its size in bytes and the SHA-256 of its bytes in hex."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[str, Field(max_length=1024)]
    size: Annotated[int, Field(ge=0, le=MAX_PART_BYTES)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class LogState(BaseModel):
    """How far the log had grown: name, leaves, root hash in hex, and the signed checkpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    origin: str
    size: Annotated[int, Field(ge=0)]
    root: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    checkpoint: str


class Manifest(BaseModel):
    """The first part of an archive; times are epoch seconds UTC."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    v: Literal[1] = 1
    kind: Literal["interlingua backup"] = "interlingua backup"
    organisation: str
    made_at: Annotated[int, Field(ge=0, le=2**53)]
    software: str
    root_version: Annotated[int, Field(ge=1)]
    log: LogState | None
    parts: Annotated[tuple[Part, ...], Field(strict=False)]

    def encode(self) -> bytes:
        """The bytes of the part `manifest.json`."""
        return self.model_dump_json(indent=1).encode() + b"\n"

    @property
    def total(self) -> int:
        """Bytes of all parts together."""
        return sum(part.size for part in self.parts)


def read_manifest(raw: bytes) -> Manifest:
    """Read and judge a manifest; raises ArchiveDamaged, ArchiveUnsafe or ArchiveOversized."""
    try:
        manifest = Manifest.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])[:100] or "the manifest"
        raise ArchiveDamaged(f"The manifest is not one: {where}: {first['msg'][:200]}.") from None
    if len(manifest.parts) > MAX_PARTS:
        raise ArchiveOversized(f"The archive names {len(manifest.parts)} parts.")
    names = [part.name for part in manifest.parts]
    for name in names:
        if not is_part(name):
            raise ArchiveUnsafe(f"The archive holds {_shown(name)}, which no backup holds.")
    _check_tree(names)
    return manifest


def is_part(name: str) -> bool:
    """Tell whether a relative path may be part of a backup."""
    steps = name.split("/")
    return (
        len(steps) <= MAX_STEPS
        and all(_STEP.fullmatch(step) for step in steps)
        and steps[0] not in LEFT_OUT
        and name not in (MANIFEST, *LEFT_OUT_FILES)
        and not name.endswith(_SIDE_FILES)
    )


def _check_tree(names: list[str]) -> None:
    """No file twice, and none that is another one's folder."""
    known = set(names)
    if len(known) < len(names):
        raise ArchiveUnsafe("The archive names a part twice.")
    for name in names:
        steps = name.split("/")
        for n in range(1, len(steps)):
            if "/".join(steps[:n]) in known:
                raise ArchiveUnsafe(f"The archive names {_shown(name)} below a file.")


def _shown(name: str) -> str:
    return ascii(name[:100])
