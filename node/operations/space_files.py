"""What operations on shared spaces have in common: members' files, own embeddings, the leaf.

The rule of this file: a manifest `NAME.space.json` has its consensus file beside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from node.operations.caller import caller
from node.operations.registry import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from keys.ring import KeyRing
    from node.node import Node
    from node.spaces.anchor_manifest import AnchorManifest
    from node.spaces.anchor_set import AnchorSet
    from node.spaces.anchor_store import AnchorStore
    from node.spaces.embedding_file import AnchorEmbeddings
    from node.spaces.manifest import SpaceManifest
    from node.spaces.replacing import Formers


async def own_embeddings(
    node: Node,
    store: AnchorStore,
    anchors: AnchorSet,
    encoders: Sequence[str],
    progress: Progress,
) -> list[AnchorEmbeddings]:
    """Return the own embeddings of the anchors, made now where they are missing."""
    from node.spaces.embed import embed

    organisation = node.settings.organisation
    return [
        await embed(store, anchors, node.encoders.get(name), organisation, progress)
        for name in encoders
    ]


async def note(node: Node, act: str, manifest: SpaceManifest | AnchorManifest) -> None:
    """Leave an `admin` leaf that names the manifest by its digest."""
    from node.audit.entry import Entry
    from protocol.event_leaves import AdminActed

    leaf = AdminActed(
        at=node.clock(),
        by=caller(),
        operation=act,
        subject=manifest.name,
        detail=manifest.digest,
    )
    await node.log.append(Entry(leaf))


def read_members(files: Sequence[Path], set_id: str | None = None) -> list[AnchorEmbeddings]:
    """Read members' exported embeddings; a folder means those of the set `set_id` in it.

    Raises EmbeddingsRefused, FileTooLong.
    """
    from node.spaces.shared_folder import embeddings_in

    named = [path for path in files if not path.is_dir()]
    lying = embeddings_in(path for path in files if path.is_dir())
    found = (_read_member(path) for path in lying)  # never all held at once
    return [
        *(_read_member(path) for path in named),
        *(each for each in found if each.anchors == set_id),
    ]


def _read_member(path: Path) -> AnchorEmbeddings:
    from node.spaces.embedding_file import decode_embeddings
    from node.spaces.handed_over import naming, read_tensor_file

    raw = read_tensor_file(path)
    with naming(path):
        return decode_embeddings(raw)


def beside_known(
    own: AnchorEmbeddings, known: Iterable[AnchorEmbeddings], given: Iterable[AnchorEmbeddings]
) -> list[AnchorEmbeddings]:
    """Return the other members: those given now, once each, and others known from before.

    Two different files of one member both stay, so that they are refused: neither is believed.
    """

    def key(member: AnchorEmbeddings) -> tuple[str, str]:
        return member.organisation, member.space_id

    new = {each.digest: each for each in given}
    named = {key(each) for each in new.values()}
    old = {key(each): each for each in known if key(each) not in named}
    found = [each for each in (*new.values(), *old.values()) if key(each) != key(own)]
    return sorted(found, key=key)


def beside_own(
    anchors: AnchorSet, own: Sequence[AnchorEmbeddings], files: Sequence[Path]
) -> list[AnchorEmbeddings]:
    """Return the embeddings of these files and the own ones, which may lie among them, once."""
    mine = {each.digest for each in own}
    members = read_members(files, anchors.set_id)
    return [*(each for each in members if each.digest not in mine), *own]


def consensus_beside(manifest: Path, name: str) -> Path:
    """Where the consensus of the space `name` lies beside its manifest."""
    return manifest.with_name(f"{name}.consensus.safetensors")


def formers_for(node: Node, manifest: Path) -> Formers:
    """What a manifest may replace: spaces that were joined here, and manifests that lie beside."""
    from node.spaces.manifest import read_manifest
    from node.spaces.replacing import Formers
    from node.spaces.shared_folder import manifests_in

    return Formers(
        joined={each.manifest.digest: each.manifest for each in node.spaces.all()},
        beside={read_manifest(raw).digest: raw for _, raw in manifests_in(manifest.parent)},
    )


def ring_of(node: Node) -> Callable[[str], KeyRing | None]:
    """The keys of this organisation and of its partners."""
    at = node.clock()

    def ring(organisation: str) -> KeyRing | None:
        if organisation == node.settings.organisation:
            return node.identity.root.ring
        return node.peers.ring(organisation, at)

    return ring
