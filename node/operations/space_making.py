"""Operations that make a shared space: create, sign."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from adapters.consensus_method import USUAL_METHOD, Method
from node.operations.errors import InvalidRequest
from node.operations.registry import Progress, operation
from node.operations.space_files import (
    beside_own,
    consensus_beside,
    formers_for,
    note,
    own_embeddings,
)
from node.operations.space_joining import JoinSpace, join
from node.spaces.report import FounderShown, SizeShown, SpaceInfo, founders_shown, size_shown
from protocol.notation import CollectionName

if TYPE_CHECKING:
    from node.node import Node
    from node.spaces.manifest import SpaceManifest


class CreateSpace(BaseModel, extra="forbid"):
    """A new shared space of the models whose anchor embeddings are given.

    `members` are files that other members exported; `encoders` name own encoders that take part.
    `consensus` is the method by which the space is made of them. `out` is the directory for the two
    files that travel to the members. With `join` the own encoders join it at once, which is
    possible where nobody else must sign. `replaces` is the name or id of a joined space whose place
    it is to take: as many of that one's signatories must sign as it needed.
    """

    name: CollectionName
    anchors: str
    members: tuple[Path, ...]
    encoders: tuple[str, ...] = ()
    threshold: int = Field(default=1, ge=1, le=64)
    consensus: Method = USUAL_METHOD
    out: Path
    join: bool = False
    replaces: str | None = None


class CreatedSpace(BaseModel):
    """A shared space that was just made, its files, and what own encoders measured who joined."""

    name: str
    space: str
    anchors: str
    fitted: int
    dimension: int
    method: str
    founders: tuple[FounderShown, ...]
    advice: SizeShown | None = None
    manifest: Path
    consensus: Path
    joined: tuple[SpaceInfo, ...] = ()
    replaces: str | None = None


class SignSpace(BaseModel, extra="forbid"):
    """Which manifest to sign; the consensus file lies beside it, all founders' files are given.

    `encoders` name own encoders among the founders, so that their file need not be given.
    """

    manifest: Path
    members: tuple[Path, ...] = ()
    encoders: tuple[str, ...] = ()


class SignedSpace(BaseModel):
    """A manifest that was computed again and signed; `apart`: mean of 1 - cosine between both.

    `replaces` names the space whose place it takes, `former_threshold` how many of that one's
    signatories must sign.
    """

    name: str
    space: str
    apart: float
    threshold: int
    signatures: int
    replaces: str | None = None
    former_threshold: int | None = None


@operation("space.create")
async def create(node: Node, request: CreateSpace, progress: Progress) -> CreatedSpace:
    """Make a shared space from members' anchor embeddings, and sign its manifest."""
    import asyncio

    from node.durable_file import replace
    from node.spaces.anchor_store import AnchorStore
    from node.spaces.create import create_space
    from node.spaces.manifest import sign_manifest
    from node.spaces.maps import Ground
    from node.spaces.size_advice import size_advice

    former = None if request.replaces is None else node.spaces.find(request.replaces)[0].manifest
    alone = request.threshold == 1 and (former is None or _agrees_alone(node, former))
    if request.join and not (alone and request.encoders):
        raise InvalidRequest(
            "A space is joined at once only by own encoders, and where nobody else must sign.",
            fix="Leave --join out; join when the others have signed (`interlingua space sign`).",
        )
    store = AnchorStore(node.data.anchors)
    anchors = await asyncio.to_thread(store.load, request.anchors)
    own = await own_embeddings(node, store, anchors, request.encoders, progress)
    founders = await asyncio.to_thread(beside_own, anchors, own, request.members)
    progress(0, None, "computing the consensus")
    manifest, positions = await asyncio.to_thread(
        create_space,
        request.name,
        node.settings.organisation,
        anchors,
        founders,
        request.threshold,
        node.clock(),
        request.consensus,
        None if former is None else former.digest,
    )
    progress(0, None, "measuring what more anchors would bring")
    ground = Ground(manifest, anchors, positions)
    advice = await asyncio.to_thread(size_advice, ground, founders)
    raw = sign_manifest(manifest, [node.identity.signer("sign")])
    manifest_file = request.out / f"{request.name}.space.json"
    consensus_file = request.out / f"{request.name}.consensus.safetensors"
    request.out.mkdir(parents=True, exist_ok=True)
    await asyncio.to_thread(replace, consensus_file, positions.encoded, 0o644)
    await asyncio.to_thread(replace, manifest_file, raw, 0o644)
    await note(node, "space-create", manifest)
    joined = [
        await join(
            node,
            JoinSpace(manifest=manifest_file, encoder=name, members=request.members),
            progress,
        )
        for name in (request.encoders if request.join else ())
    ]
    return CreatedSpace(
        name=manifest.name,
        space=manifest.envelope.space_id,
        anchors=manifest.anchors,
        fitted=manifest.fitted,
        dimension=manifest.dimension,
        method=manifest.method,
        founders=founders_shown(manifest),
        advice=size_shown(advice),
        manifest=manifest_file,
        consensus=consensus_file,
        joined=tuple(joined),
        replaces=None if former is None else former.name,
    )


def _agrees_alone(node: Node, former: SpaceManifest) -> bool:
    """Whether the own signature is all that replacing a space needs of its members."""
    return former.threshold == 1 and node.settings.organisation in former.signatories


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
    formers = await asyncio.to_thread(formers_for, node, request.manifest)
    former = formers.former(manifest)
    beside = consensus_beside(request.manifest, manifest.name)
    positions = accept_positions(await asyncio.to_thread(read_tensor_file, beside), manifest)
    store = AnchorStore(node.data.anchors)
    anchors = await asyncio.to_thread(store.load, manifest.anchors)
    own = await own_embeddings(node, store, anchors, request.encoders, progress)
    members = await asyncio.to_thread(beside_own, anchors, own, request.members)
    check_members(anchors, members)
    progress(0, None, "computing the consensus again")
    apart = await asyncio.to_thread(recompute, manifest, positions, anchors, members)
    if apart is None:
        raise EmbeddingsRefused(
            "a signature says that the consensus was computed again",
            fix="Give the embeddings of every founder with --member, own ones with --encoder.",
        )
    signers = [node.identity.signer("sign")]
    signed = countersign(raw, node.settings.organisation, signers, former)
    await asyncio.to_thread(replace, request.manifest, signed, 0o644)
    await note(node, "space-sign", manifest)
    return SignedSpace(
        name=manifest.name,
        space=manifest.envelope.space_id,
        apart=apart,
        threshold=manifest.threshold,
        signatures=count_signatures(signed),
        replaces=None if former is None else former.name,
        former_threshold=None if former is None else former.threshold,
    )
