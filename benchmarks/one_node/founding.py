"""Two organisations that are paired: a clinic with a collection, a lab that may ask it.

The rule of this file: nothing is cut short. Both have keys, root documents, cards and logs of their
own; the clinic's collection came in by ingestion, its grant shows labelled documents with binned
scores; the shared space was made and joined by the code that any member runs.
"""

from __future__ import annotations

import os
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from benchmarks.one_node.synthetic import Shape, World
from node.clock import system_clock
from node.config_file import commented
from node.config_reading import parse_settings
from node.creation import create_node
from node.data_directory import DataDirectory
from node.federation.routing import Plan
from node.ingest.record import Record
from node.node import Node
from node.operations.catalogue import find
from node.operations.pairing import (
    Approve,
    Invite,
    NewInvitation,
    PairingRequested,
    RequestPairing,
)
from node.operations.policy import GrantFiles
from node.operations.registry import silent
from node.passphrase import Passphrase
from node.spaces.anchor_set import Anchor, make_anchor_set
from node.spaces.create import create_space
from node.spaces.embedding_file import AnchorEmbeddings
from node.spaces.join import join
from node.spaces.manifest import sign_manifest
from node.spaces.maps import Ground
from protocol.envelope import Envelope, Prompts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from benchmarks.one_node.synthetic import Floats

FOUNDED = "founded"
LAB, CLINIC = "lab.example", "clinic.example"
COLLECTION, PURPOSE, LABEL = "records", "research", "open"
DOCUMENTS, ANCHORS, ANCHOR_QUESTIONS = 0, 1, 2  # streams of the synthetic world
ANCHOR_BLUR = 0.3
"""How far an anchor's question lies from its document, beside a cluster's spread of 0.7."""

AT_ONCE = {"delta_limit": 1_000_000_000, "build_threads": os.cpu_count() or 1}
"""Settings while a node is founded: one graph is built once, at the end, on all processors."""

GRANT = f"""\
peer = "{LAB}"
collection = "{COLLECTION}"
purposes = ["{PURPOSE}"]
labels = ["{LABEL}"]
granularity = "bins"
max_k = 1000
floor = -1.0
rate = 1000000
queries_per_day = 100000000
near_duplicates_per_day = 4096
answers_per_record = 100000
"""


@dataclass(frozen=True)
class Route:
    """One way of asking: what the lab does to its vectors and says of them.

    `width` is the width of the lab's own model on this route.
    """

    name: str
    plan: Plan
    width: int


def envelope(width: int) -> Envelope:
    """The space of the synthetic model of this width."""
    return Envelope(
        provider="benchmarks", model=f"synthetic-{width}", revision="1", dimension=width,
        pooling="none", normalisation="l2", similarity="cosine", prompts=Prompts.of(),
    )  # fmt: skip


async def found(folder: Path, world: World, port: int) -> list[Route]:
    """Make both nodes below `folder`; the clinic will be reached at this port of loopback.

    Where they were made before, with the same world, they are taken as they are.
    """
    whole = folder / FOUNDED
    if whole.exists():
        async with opened(folder, LAB) as lab:
            return routes(lab, world.shape)
    for name, at in ((LAB, 1), (CLINIC, port)):
        shutil.rmtree(folder / name, ignore_errors=True)  # what a run left that was interrupted
        create(folder / name, name, at)
    async with opened(folder, LAB) as lab, opened(folder, CLINIC, AT_ONCE) as clinic:
        await _ingest(clinic, world)
        _share_space(lab, clinic, world)
        for one, other in ((lab, clinic), (clinic, lab)):
            await trust(one, other)
        await find("policy.apply").handler(clinic, GrantFiles(files={"lab.toml": GRANT}), silent)
        whole.touch()
        return routes(lab, world.shape)


@asynccontextmanager
async def opened(
    folder: Path, name: str, index: Mapping[str, int] = MappingProxyType({})
) -> AsyncIterator[Node]:
    """Open one of the two while it does not run; `index` replaces settings of that section."""
    data = DataDirectory(folder / name)
    settings = parse_settings(data.config_file.read_text(), "interlingua.toml", environ={})
    settings = settings.model_copy(update={"index": settings.index.model_copy(update=dict(index))})
    with data.lock():
        async with Node.opened(data, settings, passphrase=Passphrase()) as node:
            yield node


def create(path: Path, name: str, port: int, *, listens_at: int | None = None) -> None:
    """Make an organisation's node, reached at this port of loopback; it does not run.

    `listens_at`: the port where it listens itself, where something stands before it.
    """
    text = commented(
        {
            "organisation": name,
            "url": f"http://127.0.0.1:{port}",
            "federation.port": listens_at or port,
            "local_api.port": 0,
            "admin.port": 0,
            "partners.refresh_s": 86_400,  # the lab does not run
        }
    )
    settings = parse_settings(text, "interlingua.toml", environ={})
    create_node(DataDirectory(path), settings, text, None, system_clock())


async def _ingest(clinic: Node, world: World) -> None:
    shape = world.shape
    clinic.encoders.add("given", "caller", {}, envelope(shape.dimension))
    collection = await clinic.collections.create(COLLECTION, "given")
    vectors = world.seen(world.meanings(shape.documents, DOCUMENTS), shape.dimension, DOCUMENTS)
    await collection.ingest(records(vectors), shape.documents, silent)
    await collection.compact(silent)  # all rows in the graph, none beside it


def records(vectors: Floats) -> Iterator[Record]:
    """Documents named by their rows, with a label that the grant shows."""
    labels = frozenset({LABEL})
    for row, vector in enumerate(vectors):
        yield Record(id=str(row), where=f"row {row}", vector=vector, labels=labels)


def _share_space(lab: Node, clinic: Node, world: World) -> None:
    """Make a shared space of the lab's narrower model and the clinic's, and let both join."""
    shape = world.shape
    anchors = make_anchor_set(Anchor(f"anchor {i}", f"ask {i}") for i in range(shape.anchors))
    members = {
        node: _embeddings(node, world, width, anchors.set_id)
        for node, width in ((lab, shape.asker_dimension), (clinic, shape.dimension))
    }
    founders = list(members.values())
    manifest, positions = create_space("commons", LAB, anchors, founders, 1, system_clock())
    raw = sign_manifest(manifest, [lab.identity.signer("sign")])
    ground = Ground(manifest, anchors, positions)
    for node, own in members.items():
        others = [each for each in founders if each is not own]
        joining = join(ground, own, others, system_clock(), silent)
        node.spaces.keep(manifest, raw, positions.encoded, joining, others)


def _embeddings(node: Node, world: World, width: int, set_id: str) -> AnchorEmbeddings:
    meanings = world.meanings(world.shape.anchors, ANCHORS)
    blur = ANCHOR_BLUR * world.meanings(len(meanings), ANCHOR_QUESTIONS)
    return AnchorEmbeddings(
        node.settings.organisation,
        envelope(width),
        set_id,
        world.seen(meanings, width, ANCHORS),
        world.seen(meanings + blur, width, ANCHOR_QUESTIONS),
    )


async def trust(one: Node, other: Node) -> None:
    """Make the other an active partner of the one, by an invitation that is answered by mail."""
    invited = await find("pairing.invite").handler(other, Invite(), silent)
    if not isinstance(invited, NewInvitation):
        raise TypeError("pairing.invite gives an invitation")
    answer = RequestPairing(invitation=invited.file, send=False)
    asked = await find("pairing.request").handler(one, answer, silent)
    if not isinstance(asked, PairingRequested):
        raise TypeError("pairing.request gives a pending partner")
    approval = Approve(organisation=asked.organisation, words=asked.words or "")
    await find("pairing.approve").handler(one, approval, silent)


def routes(lab: Node, shape: Shape) -> list[Route]:
    """Return the ways in which the lab can ask the clinic."""
    card, into = lab.peers.get(CLINIC).card, envelope(shape.dimension).space_id
    widths = {"same model": shape.dimension, "shared space": shape.asker_dimension}
    return [
        Route(name, lab.spaces.plan(envelope(width), card, into), width)
        for name, width in widths.items()
    ]
