"""Where anchor sets lie: `anchors/<hex of the id>/` with the texts, and a file that names the sets.

Beside the texts lies their signed manifest where there is one; it was verified when it came. The
rule of this file: what is read is what the id says. Texts are checked against their digests
each time they are loaded.
"""

from pathlib import Path

from pydantic import BaseModel, ValidationError

from node import durable_file
from node.spaces.anchor_manifest import AnchorManifest, read_anchor_manifest
from node.spaces.anchor_set import AnchorSet, as_jsonl, parse_jsonl
from node.spaces.errors import AnchorsRefused, SpaceExists, UnknownAnchors

MANIFEST = "manifest.json"


class NamedSet(BaseModel):
    """One set as the names' file knows it; `views` counts its query views by their source."""

    name: str
    set_id: str
    anchors: int
    derived: int
    imported_at: int
    views: dict[str, int] = {}


class _Names(BaseModel):
    sets: list[NamedSet] = []


class AnchorStore:
    """All anchor sets of a node."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._names_file = directory / "sets.json"

    def all(self) -> list[NamedSet]:
        """Every set, by name. Raises AnchorsRefused where the names' file is damaged."""
        try:
            raw = self._names_file.read_bytes()
        except FileNotFoundError:
            return []
        try:
            return sorted(_Names.model_validate_json(raw).sets, key=lambda each: each.name)
        except ValidationError:
            raise AnchorsRefused(
                f"{self._names_file} is damaged",
                fix="Restore it, or remove it and import again.",
            ) from None

    def find(self, name_or_id: str) -> NamedSet:
        """The set of that name or id. Raises UnknownAnchors."""
        for each in self.all():
            if name_or_id in (each.name, each.set_id):
                return each
        raise UnknownAnchors(
            f"there is no anchor set {name_or_id}",
            fix=(
                "`interlingua anchors list` shows those there are; `interlingua anchors import` "
                "adds one."
            ),
        )

    def load(self, name_or_id: str) -> AnchorSet:
        """Read a set. Raises UnknownAnchors, or AnchorsRefused where its texts were changed."""
        named = self.find(name_or_id)
        path = self.folder(named.set_id) / "texts.jsonl"
        with path.open("rb") as lines:
            anchors = parse_jsonl(lines)
        if anchors.set_id != named.set_id:
            raise AnchorsRefused(
                f"the texts in {path} were changed",
                fix="Import the set again.",
            )
        return anchors

    def add(self, name: str, anchors: AnchorSet, at: int) -> NamedSet:
        """Keep a set under a name; the same texts under the same name again change nothing.

        Raises SpaceExists: the name belongs to other texts.
        """
        known = self.all()
        for each in known:
            if each.name == name and each.set_id != anchors.set_id:
                raise SpaceExists(
                    f"the anchor set {name} holds other texts",
                    fix="Choose another name.",
                )
            if each.name == name:
                return each
        self.folder(anchors.set_id).mkdir(mode=0o700, exist_ok=True)
        durable_file.replace(
            self.folder(anchors.set_id) / "texts.jsonl", b"".join(as_jsonl(anchors))
        )
        added = NamedSet(
            name=name,
            set_id=anchors.set_id,
            anchors=len(anchors.anchors),
            derived=anchors.derived,
            imported_at=at,
            views=dict(anchors.views),
        )
        names = _Names(sets=[*known, added])
        durable_file.replace(self._names_file, names.model_dump_json(indent=1).encode())
        return added

    def keep_manifest(self, set_id: str, raw: bytes) -> None:
        """Keep the signed manifest of a set, as it was accepted; an earlier one is replaced."""
        durable_file.replace(self.folder(set_id) / MANIFEST, raw)

    def manifest(self, set_id: str) -> AnchorManifest | None:
        """The manifest of a set, None where none was given. Raises AnchorsRefused."""
        path = self.folder(set_id) / MANIFEST
        return read_anchor_manifest(path.read_bytes()) if path.exists() else None

    def folder(self, set_id: str) -> Path:
        """The folder of a set and of the embeddings of its texts."""
        return self.directory / set_id.removeprefix("sha256:")
