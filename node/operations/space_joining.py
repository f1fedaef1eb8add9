"""Operations by which a model comes into a shared space and goes: join, leave."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from node.operations.registry import Progress, operation
from node.operations.space_files import (
    beside_known,
    consensus_beside,
    formers_for,
    note,
    own_embeddings,
    read_members,
    ring_of,
)
from node.spaces.report import SpaceInfo, space_info

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.map import Floats
    from node.node import Node
    from node.spaces.agreement import Samples
    from node.spaces.anchor_store import AnchorStore
    from node.spaces.embedding_file import AnchorEmbeddings
    from node.spaces.join import Joining
    from node.spaces.manifest import SpaceManifest
    from node.spaces.maps import Ground


class JoinSpace(BaseModel, extra="forbid"):
    """Which manifest to join with which own encoder.

    A folder means the manifest in it, and takes anchor texts and members' embeddings from there.
    `members` are other members' exported embeddings, to choose and measure routes with.
    `consensus` is the file beside the manifest where None. `samples` are members' embeddings of
    shared sample questions, by which agreement is measured.
    """

    manifest: Path
    encoder: str
    members: tuple[Path, ...] = ()
    consensus: Path | None = None
    samples: tuple[Path, ...] = ()


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
    from node.spaces.manifest import accept_positions
    from node.spaces.maps import Ground
    from node.spaces.replacing import accept_space
    from node.spaces.shared_folder import import_anchors_in, manifest_in

    path = manifest_in(request.manifest)
    folder = (request.manifest,) if request.manifest.is_dir() else ()
    raw = await asyncio.to_thread(read_manifest_file, path)
    formers = await asyncio.to_thread(formers_for, node, path)
    manifest = accept_space(raw, formers, ring_of(node), node.clock())
    node.spaces.check_name(manifest)
    positions_file = request.consensus or consensus_beside(path, manifest.name)
    raw_positions = await asyncio.to_thread(read_tensor_file, positions_file)
    positions = accept_positions(raw_positions, manifest)
    store = AnchorStore(node.data.anchors)
    for each in folder:
        await asyncio.to_thread(
            import_anchors_in, each, manifest.anchors, store, ring_of(node), node.clock()
        )
    anchors = await asyncio.to_thread(store.load, manifest.anchors)
    own = (await own_embeddings(node, store, anchors, [request.encoder], progress))[0]
    node.spaces.check_again(manifest, own)
    others = await asyncio.to_thread(_others, node, manifest, (*folder, *request.members), own)
    samples = await _samples(node, store, request, progress)
    ground = Ground(manifest, anchors, positions)
    joining = await asyncio.to_thread(join_space, ground, own, others, node.clock(), progress)
    progress(0, None, "asking shared questions of the own documents")
    joining = await _with_agreement(node, ground, joining, samples)
    await asyncio.to_thread(node.spaces.keep, manifest, raw, raw_positions, joining, others)
    await note(node, "space-join", manifest)
    if node.serving:
        await node.renew()
    await node.collections.prepare_scores(progress)
    found = node.spaces.find(manifest.envelope.space_id)
    return next(space_info(each) for each in found if each.native == own.space_id)


@operation("space.leave")
async def leave(node: Node, request: LeaveSpace, progress: Progress) -> LeftSpace:
    """Leave a shared space: forget the own maps and take the routes from the card."""
    import asyncio

    from node.spaces.errors import UnknownSpace

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
    await node.collections.prepare_scores(progress)
    natives = tuple(each.native for each in found)
    return LeftSpace(
        name=found[0].manifest.name,
        natives=natives,
        collections=tuple(each.name for each in node.collections.all() if each.space_id in natives),
    )


async def _with_agreement(
    node: Node, ground: Ground, joining: Joining, samples: Samples
) -> Joining:
    """See how far others' questions agree with the own model in the largest own collection."""
    from node.index.located import Located
    from node.spaces.agreement import DEPTH, LEAST_DOCUMENTS, agreement

    native = joining.joined.native.space_id
    kept = [version for each in node.collections.all() for version in each.standing.kept]
    sizes = {one: one.coverage().covered for one in kept if one.space_id == native}
    largest = max(sizes, key=sizes.__getitem__, default=None)
    if largest is None or sizes[largest] < LEAST_DOCUMENTS:
        return joining

    async def search(rows: Floats) -> list[list[int]]:
        found = await largest.search(Located(native, rows), DEPTH, None)
        return [[candidate.key for candidate in one] for one in found]

    pairs = joining.joined.pairs
    return joining.agreeing(await agreement(ground, joining.parties, pairs, search, samples))


async def _samples(
    node: Node, store: AnchorStore, request: JoinSpace, progress: Progress
) -> Samples:
    """The shared sample questions as others embedded them, and the own embeddings of the same."""
    import asyncio

    from node.spaces.agreement import Samples

    files = await asyncio.to_thread(read_members, request.samples)
    if not files:
        return Samples()
    questions = await asyncio.to_thread(store.load, files[0].anchors)
    own = (await own_embeddings(node, store, questions, [request.encoder], progress))[0]
    return Samples(own, {each.space_id: each for each in files})


def _others(
    node: Node, manifest: SpaceManifest, files: Sequence[Path], own: AnchorEmbeddings
) -> list[AnchorEmbeddings]:
    """Return the other members: those of the files, and those known from an earlier joining."""
    known = node.spaces.folder(manifest.envelope.space_id).members()
    return beside_known(own, known, read_members(files, manifest.anchors))
