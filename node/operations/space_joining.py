"""Operations by which a model comes into a shared space and goes: join, leave."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from node.operations.registry import Progress, operation
from node.operations.space_files import (
    consensus_beside,
    note,
    own_embeddings,
    read_members,
    ring_of,
)
from node.spaces.report import SpaceInfo, space_info

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.node import Node
    from node.spaces.embedding_file import AnchorEmbeddings
    from node.spaces.manifest import SpaceManifest


class JoinSpace(BaseModel, extra="forbid"):
    """Which manifest to join with which own encoder.

    `members` are other members' exported embeddings, to choose and measure routes with.
    `consensus` is the file beside the manifest where None.
    """

    manifest: Path
    encoder: str
    members: tuple[Path, ...] = ()
    consensus: Path | None = None


class LeaveSpace(BaseModel, extra="forbid"):
    """Which shared space to leave; with one encoder only, where that is named."""

    space: str
    encoder: str | None = None


class LeftSpace(BaseModel):
    """The native spaces that no longer have a route, and the collections that lie in them."""

    name: str
    natives: tuple[str, ...]
    collections: tuple[str, ...] = ()


@operation("space.join")
async def join(node: Node, request: JoinSpace, progress: Progress) -> SpaceInfo:
    """Join a shared space: fit the own maps, measure the routes, offer them on the card."""
    import asyncio

    from node.spaces.anchor_store import AnchorStore
    from node.spaces.handed_over import read_manifest_file, read_tensor_file
    from node.spaces.join import join as join_space
    from node.spaces.manifest import accept_manifest, accept_positions
    from node.spaces.maps import Ground

    raw = await asyncio.to_thread(read_manifest_file, request.manifest)
    manifest = accept_manifest(raw, ring_of(node), node.clock())
    node.spaces.check_name(manifest)
    positions_file = request.consensus or consensus_beside(request.manifest, manifest.name)
    raw_positions = await asyncio.to_thread(read_tensor_file, positions_file)
    positions = accept_positions(raw_positions, manifest)
    store = AnchorStore(node.data.anchors)
    anchors = await asyncio.to_thread(store.load, manifest.anchors)
    own = (await own_embeddings(node, store, anchors, [request.encoder], progress))[0]
    node.spaces.check_again(manifest, own)
    others = await asyncio.to_thread(_others, node, manifest, request.members, own)
    joining = await asyncio.to_thread(
        join_space, Ground(manifest, anchors, positions), own, others, node.clock(), progress
    )
    await asyncio.to_thread(node.spaces.keep, manifest, raw, raw_positions, joining, others)
    await note(node, "space-join", manifest)
    if node.serving:
        await node.renew()
    found = node.spaces.find(manifest.envelope.space_id)
    return next(space_info(each) for each in found if each.native == own.space_id)


@operation("space.leave")
async def leave(node: Node, request: LeaveSpace, progress: Progress) -> LeftSpace:
    """Leave a shared space: forget the own maps and take the routes from the card."""
    import asyncio

    from node.spaces.errors import UnknownSpace

    del progress
    found = node.spaces.find(request.space)
    if request.encoder is not None:
        native = node.encoders.get(request.encoder).envelope.space_id
        found = [each for each in found if each.native == native]
    if not found:
        raise UnknownSpace(
            f"{request.space} was not joined with encoder {request.encoder}",
            fix="`interlingua space list` shows with which encoders spaces were joined.",
        )
    for each in found:
        await asyncio.to_thread(node.spaces.leave, each)
    await note(node, "space-leave", found[0].manifest)
    if node.serving:
        await node.renew()
    natives = tuple(each.native for each in found)
    return LeftSpace(
        name=found[0].manifest.name,
        natives=natives,
        collections=tuple(each.name for each in node.collections.all() if each.space_id in natives),
    )


def _others(
    node: Node, manifest: SpaceManifest, files: Sequence[Path], own: AnchorEmbeddings
) -> list[AnchorEmbeddings]:
    """Return the other members: those of the files, and those known from an earlier joining."""
    known = node.spaces.folder(manifest.envelope.space_id).members()
    found = {(each.organisation, each.space_id): each for each in known}
    found |= {(each.organisation, each.space_id): each for each in read_members(files)}
    found.pop((own.organisation, own.space_id), None)
    return [found[key] for key in sorted(found)]
