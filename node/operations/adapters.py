"""Operations on maps between models: compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from node.evaluate.compared import Comparison
from node.operations.registry import Progress, operation

if TYPE_CHECKING:
    from node.node import Node
    from node.spaces.state import JoinedSpace


class CompareMaps(BaseModel, extra="forbid"):
    """A joined shared space, by name or id; `encoder` names the joining where there are several."""

    space: str
    encoder: str | None = None


@operation("adapter.compare")
async def compare(node: Node, request: CompareMaps, progress: Progress) -> Comparison:
    """Measure every map between the own model and each member's, in both directions."""
    import asyncio

    joined = _joined(node, request)
    progress(0, None, "fitting and measuring maps")
    return await asyncio.to_thread(_compared, node, joined)


def _joined(node: Node, request: CompareMaps) -> JoinedSpace:
    from node.spaces.errors import UnknownSpace

    found = node.spaces.find(request.space)
    if request.encoder is None:
        return found[0]
    native = node.encoders.get(request.encoder).envelope.space_id
    for each in found:
        if each.native == native:
            return each
    raise UnknownSpace(f"{request.space} was not joined with encoder {request.encoder}")


def _compared(node: Node, joined: JoinedSpace) -> Comparison:
    from node.evaluate.comparison import compare as measured
    from node.evaluate.errors import NothingToCompare
    from node.spaces.anchor_store import AnchorStore
    from node.spaces.embed import stored_embeddings
    from node.spaces.handed_over import read_tensor_file
    from node.spaces.manifest import accept_positions
    from node.spaces.maps import Ground

    folder, store = node.spaces.folder(joined.hub), AnchorStore(node.data.anchors)
    others = [
        each
        for each in folder.members()
        if (each.organisation, each.space_id) != (joined.joined.organisation, joined.native)
    ]
    if not others:
        raise NothingToCompare(
            f"no other member's embeddings are known in {joined.manifest.name}",
            fix="Join it again with --member FILE for each member.",
        )
    anchors = store.load(joined.manifest.anchors)
    raw = read_tensor_file(folder.path / "consensus.safetensors")
    ground = Ground(joined.manifest, anchors, accept_positions(raw, joined.manifest))
    return measured(ground, stored_embeddings(store, anchors.set_id, joined.native), others)
