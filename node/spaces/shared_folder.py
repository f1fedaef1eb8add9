"""The folder that members of a shared space share: everything that travels between them, by name.

    NAME.anchors.jsonl, NAME.anchors.json         the texts, and their signed description
    NAME.ORGANISATION.ENCODER.anchors.safetensors each member's embeddings of them
    NAME.space.json, NAME.consensus.safetensors   the signed manifest, and what it pins

The rule of this file: names only find files. Whatever is found is checked by its digest or its
signature, as if it had been named one by one. What is no file, such as a pipe, is passed by.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from node.spaces.anchor_files import read_anchors
from node.spaces.anchor_manifest import RingOf, accept_anchors, read_anchor_manifest
from node.spaces.anchor_store import AnchorStore
from node.spaces.errors import FileTooLong, ManifestRefused, NoManifest
from node.spaces.handed_over import naming, read_manifest_file
from node.spaces.manifest import read_manifest

SPACE, TEXTS, DESCRIBED = ".space.json", ".anchors.jsonl", ".anchors.json"
EMBEDDINGS = ".anchors.safetensors"


def embeddings_name(anchors: str, organisation: str, encoder: str) -> str:
    """Return the name of a member's embeddings of an anchor set in such a folder."""
    return f"{anchors}.{organisation}.{encoder}{EMBEDDINGS}"


def manifest_in(path: Path) -> Path:
    """Return the manifest that a path means: itself, or the only one in a folder.

    One that another there says to replace is passed by; whether that may be is checked at joining.
    Raises NoManifest: the folder holds none, or several.
    """
    if not path.is_dir():
        return path
    found = sorted(_files(path, SPACE))
    if len(found) > 1:
        lying = {file: read_manifest(raw) for file, raw in manifests_in(path)}
        replaced = {each.replaces for each in lying.values()}
        former = {file for file, each in lying.items() if each.digest in replaced}
        found = [each for each in found if each not in former]
    if len(found) == 1:
        return found[0]
    names = ", ".join(each.name for each in found)
    raise NoManifest(
        f"{path} holds several manifests: {names}" if found else f"{path} holds no manifest",
        fix="" if found else "`interlingua space create` writes one.",
    )


def manifests_in(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield the files in a folder that are manifests of spaces, whoever signed them."""
    for path in sorted(_files(folder, SPACE)):
        with suppress(ManifestRefused, FileTooLong):  # what is none is passed by
            raw = read_manifest_file(path)
            read_manifest(raw)
            yield path, raw


def embeddings_in(folders: Iterable[Path]) -> Iterator[Path]:
    """Yield the files of members' embeddings in folders, of whatever anchor set."""
    for folder in folders:
        yield from sorted(_files(folder, EMBEDDINGS))


def import_anchors_in(
    folder: Path, set_id: str, store: AnchorStore, ring_of: RingOf, at: int
) -> None:
    """Take over the anchor set of that id from a folder, if it is not held and lies there signed.

    Raises AnchorsRefused or SpaceExists, as importing it by hand does.
    """
    if any(each.set_id == set_id for each in store.all()):
        return
    for path in sorted(_files(folder, DESCRIBED)):
        raw, texts = read_manifest_file(path), path.with_suffix(".jsonl")
        with naming(path):
            described = read_anchor_manifest(raw).anchors
        if described != set_id or not texts.is_file():
            continue
        with naming(texts):
            anchors = read_anchors(texts)
        with naming(path):
            manifest = accept_anchors(raw, anchors, ring_of, at)
        store.add(manifest.name, anchors, at)
        store.keep_manifest(set_id, raw)
        return


def _files(folder: Path, ending: str) -> Iterator[Path]:
    return (path for path in folder.glob(f"*{ending}") if path.is_file())
