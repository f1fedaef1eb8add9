"""Operations on shared spaces: create, join, list, show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from node.operations.caller import caller
from node.operations.registry import NoRequest, Progress, operation
from node.spaces.report import FounderShown, SpaceInfo, founders_shown, space_info
from protocol.notation import CollectionName

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keys.ring import KeyRing
    from node.node import Node
    from node.spaces.anchor_set import AnchorSet
    from node.spaces.anchor_store import AnchorStore
    from node.spaces.embedding_file import AnchorEmbeddings
    from node.spaces.manifest import SpaceManifest


class CreateSpace(BaseModel, extra="forbid"):
    """A new shared space of the models whose anchor embeddings are given.

    `members` are files that other members exported; `encoders` name own encoders that take part.
    `out` is the directory for the two files that travel to the members.
    """

    name: CollectionName
    anchors: str
    members: tuple[Path, ...]
    encoders: tuple[str, ...] = ()
    threshold: int = Field(default=1, ge=1, le=64)
    out: Path


class CreatedSpace(BaseModel):
    """A shared space that was just made, and its files."""

    name: str
    space: str
    anchors: str
    fitted: int
    dimension: int
    founders: tuple[FounderShown, ...]
    manifest: Path
    consensus: Path


class JoinSpace(BaseModel, extra="forbid"):
    """Which manifest to join with which own encoder.

    `members` are other members' exported embeddings, to choose and measure routes with.
    `consensus` is the file beside the manifest where None.
    """

    manifest: Path
    encoder: str
    members: tuple[Path, ...] = ()
    consensus: Path | None = None


class SignSpace(BaseModel, extra="forbid"):
    """Which manifest to sign; the consensus file lies beside it, all founders' files are given.

    `encoders` name own encoders among the founders, so that their file need not be given.
    """

    manifest: Path
    members: tuple[Path, ...] = ()
    encoders: tuple[str, ...] = ()


class SignedSpace(BaseModel):
    """A manifest that was computed again and signed; `apart`: mean of 1 - cosine between both."""

    name: str
    space: str
    apart: float
    threshold: int
    signatures: int


class SpaceList(BaseModel):
    """All joined spaces; `damaged` says which could not be read and why."""

    spaces: tuple[SpaceInfo, ...]
    damaged: tuple[str, ...] = ()


class LeaveSpace(BaseModel, extra="forbid"):
    """Which shared space to leave; with one encoder only, where that is named."""

    space: str
    encoder: str | None = None


class LeftSpace(BaseModel):
    """The native spaces that no longer have a route."""

    name: str
    natives: tuple[str, ...]


class SpaceName(BaseModel, extra="forbid"):
    """Names one shared space, by name or id."""

    space: str


@operation("space.create")
async def create(node: Node, request: CreateSpace, progress: Progress) -> CreatedSpace:
    """Make a shared space from members' anchor embeddings, and sign its manifest."""
    import asyncio

    from node.durable_file import replace
    from node.spaces.anchor_store import AnchorStore
    from node.spaces.create import create_space
    from node.spaces.manifest import sign_manifest

    store = AnchorStore(node.data.anchors)
    anchors = await asyncio.to_thread(store.load, request.anchors)
    founders = await asyncio.to_thread(_read_members, request.members)
    founders += await _own(node, store, anchors, request.encoders, progress)
    progress(0, None, "computing the consensus")
    manifest, positions = await asyncio.to_thread(
        create_space,
        request.name,
        node.settings.organisation,
        anchors,
        founders,
        request.threshold,
        node.clock(),
    )
    raw = sign_manifest(manifest, [node.identity.signer("sign")])
    manifest_file = request.out / f"{request.name}.space.json"
    consensus_file = request.out / f"{request.name}.consensus.safetensors"
    await asyncio.to_thread(replace, consensus_file, positions.encoded, 0o644)
    await asyncio.to_thread(replace, manifest_file, raw, 0o644)
    await _note(node, "space-create", manifest)
    return CreatedSpace(
        name=manifest.name,
        space=manifest.envelope.space_id,
        anchors=manifest.anchors,
        fitted=manifest.fitted,
        dimension=manifest.dimension,
        founders=founders_shown(manifest),
        manifest=manifest_file,
        consensus=consensus_file,
    )


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
    manifest = accept_manifest(raw, _ring_of(node), node.clock())
    node.spaces.check_name(manifest)
    positions_file = request.consensus or _beside(request.manifest, manifest.name)
    raw_positions = await asyncio.to_thread(read_tensor_file, positions_file)
    positions = accept_positions(raw_positions, manifest)
    store = AnchorStore(node.data.anchors)
    anchors = await asyncio.to_thread(store.load, manifest.anchors)
    own = (await _own(node, store, anchors, [request.encoder], progress))[0]
    others = await asyncio.to_thread(_others, node, manifest, request.members, own)
    joining = await asyncio.to_thread(
        join_space, Ground(manifest, anchors, positions), own, others, node.clock(), progress
    )
    await asyncio.to_thread(node.spaces.keep, manifest, raw, raw_positions, joining, others)
    await _note(node, "space-join", manifest)
    if node.serving:
        await node.renew()
    found = node.spaces.find(manifest.envelope.space_id)
    return next(space_info(each) for each in found if each.native == own.space_id)


@operation("space.sign")
async def sign(node: Node, request: SignSpace, progress: Progress) -> SignedSpace:
    """Compute a space's consensus again from all founders' embeddings, and sign its manifest."""
    import asyncio

    from node.durable_file import replace
    from node.spaces.anchor_store import AnchorStore
    from node.spaces.create import check_members, recompute
    from node.spaces.errors import EmbeddingsRefused
    from node.spaces.handed_over import read_manifest_file, read_tensor_file
    from node.spaces.manifest import accept_positions, count_signatures, countersign, read_manifest

    raw = await asyncio.to_thread(read_manifest_file, request.manifest)
    manifest = read_manifest(raw)
    beside = _beside(request.manifest, manifest.name)
    positions = accept_positions(await asyncio.to_thread(read_tensor_file, beside), manifest)
    store = AnchorStore(node.data.anchors)
    anchors = await asyncio.to_thread(store.load, manifest.anchors)
    members = await asyncio.to_thread(_read_members, request.members)
    members += await _own(node, store, anchors, request.encoders, progress)
    check_members(anchors, members)
    progress(0, None, "computing the consensus again")
    apart = await asyncio.to_thread(recompute, manifest, positions, anchors, members)
    if apart is None:
        raise EmbeddingsRefused(
            "a signature says that the consensus was computed again",
            fix="Give the embeddings of every founder with --member, own ones with --encoder.",
        )
    signed = countersign(raw, node.settings.organisation, [node.identity.signer("sign")])
    await asyncio.to_thread(replace, request.manifest, signed, 0o644)
    await _note(node, "space-sign", manifest)
    return SignedSpace(
        name=manifest.name,
        space=manifest.envelope.space_id,
        apart=apart,
        threshold=manifest.threshold,
        signatures=count_signatures(signed),
    )


@operation("space.list", role="asker")
async def list_spaces(node: Node, request: NoRequest, progress: Progress) -> SpaceList:
    """List the shared spaces that this node has joined."""
    del request, progress
    return SpaceList(
        spaces=tuple(space_info(each) for each in node.spaces.all()),
        damaged=tuple(node.spaces.damaged),
    )


@operation("space.show", role="asker")
async def show(node: Node, request: SpaceName, progress: Progress) -> SpaceList:
    """Show one shared space: members, routes, and what was measured."""
    del progress
    return SpaceList(spaces=tuple(space_info(each) for each in node.spaces.find(request.space)))


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
    await _note(node, "space-leave", found[0].manifest)
    if node.serving:
        await node.renew()
    return LeftSpace(name=found[0].manifest.name, natives=tuple(each.native for each in found))


async def _own(
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


async def _note(node: Node, act: str, manifest: SpaceManifest) -> None:
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


def _others(
    node: Node, manifest: SpaceManifest, files: Sequence[Path], own: AnchorEmbeddings
) -> list[AnchorEmbeddings]:
    """Return the other members: those of the files, and those known from an earlier joining."""
    known = node.spaces.folder(manifest.envelope.space_id).members()
    found = {(each.organisation, each.space_id): each for each in known}
    found |= {(each.organisation, each.space_id): each for each in _read_members(files)}
    found.pop((own.organisation, own.space_id), None)
    return [found[key] for key in sorted(found)]


def _read_members(files: Sequence[Path]) -> list[AnchorEmbeddings]:
    from node.spaces.embedding_file import decode_embeddings
    from node.spaces.handed_over import read_tensor_file

    return [decode_embeddings(read_tensor_file(path)) for path in files]


def _ring_of(node: Node) -> Callable[[str], KeyRing | None]:
    """The keys of this organisation and of its partners."""
    at = node.clock()

    def ring(organisation: str) -> KeyRing | None:
        if organisation == node.settings.organisation:
            return node.identity.root.ring
        return node.peers.ring(organisation, at)

    return ring


def _beside(manifest: Path, name: str) -> Path:
    return manifest.with_name(f"{name}.consensus.safetensors")
