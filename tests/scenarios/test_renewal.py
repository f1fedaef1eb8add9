"""A member changes its model: both work for a while, and at no moment does neither."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from node.ingest.record import Record
from node.operations.anchors import EmbedAnchors, Embedded, ExportAnchors
from node.operations.collections import CollectionInfo, CollectionName
from node.operations.peers import NamedPeer, PeerRefreshed
from node.operations.space_joining import LeaveSpace, LeftSpace
from node.operations.spaces import SpaceList, SpaceName
from node.spaces.anchor_set import parse_jsonl
from protocol.envelope import Envelope
from tests.scenarios.test_shared_space import (
    Model,
    ask,
    create,
    founded,
    join,
    meanings,
)
from tests.scenarios.world import Organisation, World, grant, pair


class NextModel(Model):
    """What the clinic changes to: it sees the same meanings by another turn."""

    def __init__(self) -> None:
        super().__init__("clinic.example")
        self._basis = np.roll(self._basis, 5, axis=1)
        fields = {**dict(self.envelope), "revision": "2"}
        self.envelope = Envelope(**fields)


async def embed_with_next(clinic: Organisation, folder: Path) -> Path:
    """Embed the anchors by the next model, and return the file for the others."""
    anchors = parse_jsonl((folder / "texts.jsonl").read_bytes().splitlines())
    files = (folder / "next-document.npy", folder / "next-query.npy")
    for path, view in zip(files, ("document", "query"), strict=True):
        np.save(path, NextModel().see(meanings(anchors.texts(view))))
    request = EmbedAnchors(anchors="public", encoder="next", vectors=files)
    await clinic.do("anchors.embed", request, Embedded)
    out = folder / "next.safetensors"
    export = ExportAnchors(anchors="public", encoder="next", out=out)
    await clinic.do("anchors.export", export, Embedded)
    return out


async def fill_next(clinic: Organisation) -> None:
    """A collection of the same documents by the next model."""
    texts = [f"private text {number}" for number in range(200, 230)]
    rows = NextModel().see(meanings(texts))
    collection = await clinic.node.collections.create("docs-next", "next", title="Documents")
    records = [
        Record(id=text, where=text, text=text, vector=row, labels=frozenset({"open"}))
        for text, row in zip(texts, rows, strict=True)
    ]
    await collection.ingest(records, len(records), lambda *_: None)


class Asking:
    """A partner that asks all the time, and what it found in how many questions."""

    def __init__(self, asker: Organisation) -> None:
        self._asker = asker
        self._stopped = False
        self._answers: asyncio.Queue[None] = asyncio.Queue()
        self.found: list[tuple[str, ...]] = []

    async def run(self) -> None:
        while not self._stopped:
            number = 200 + len(self.found) % 30
            result = await ask(self._asker, number, k=3)
            self.found.append(tuple(h.collection for h in result.results[0][:1]))
            self._answers.put_nowait(None)
            await asyncio.sleep(0.01)

    async def some_more(self) -> None:
        for _ in range(self._answers.qsize() + 2):
            await self._answers.get()

    def stop(self) -> None:
        self._stopped = True


async def news(teller: Organisation, *listeners: Organisation) -> None:
    teller.node.card.current()
    for each in listeners:
        await each.do("peer.refresh", NamedPeer(organisation=teller.name), PeerRefreshed)


@pytest.fixture
async def lab_and_clinic(world: World) -> tuple[Organisation, Organisation, Path]:
    lab, clinic = (
        await founded(world, "lab.example", 100),
        await founded(world, "clinic.example", 200),
    )
    await pair(lab, clinic)
    manifest = await create(world, lab, clinic)
    for one, other in ((lab, clinic), (clinic, lab)):
        await join(world, one, manifest, other)
        await one.grant(grant(other.name))
    await news(lab, clinic)
    await news(clinic, lab)
    return lab, clinic, manifest


async def test_a_member_changes_its_model_while_it_is_asked_all_the_time(
    world: World, lab_and_clinic: tuple[Organisation, Organisation, Path]
) -> None:
    lab, clinic, manifest = lab_and_clinic
    folder = world.directory / clinic.name
    clinic.node.encoders.add("next", "caller", {}, NextModel().envelope)
    asking = Asking(lab)
    running = asyncio.create_task(asking.run())
    await asking.some_more()

    exported = await embed_with_next(clinic, folder)
    old = (await clinic.do("space.show", SpaceName(space="commons"), SpaceList)).spaces[0].native
    joined = await join(world, clinic, manifest, encoder="next")
    await news(clinic, lab)
    card = lab.node.peers.active(clinic.name).card
    assert {route.into for route in card.routes} == {old, joined.native}
    assert "space-left-over" in await clinic.findings()
    await asking.some_more()

    measured = await join(world, lab, manifest, members=(exported,))
    assert lab.node.spaces.all()[0].joined.pair(measured.native, joined.native) is not None
    await fill_next(clinic)
    await clinic.grant(grant(lab.name), grant(lab.name, collection="docs-next"))
    await asking.some_more()

    await clinic.grant(grant(lab.name, collection="docs-next"))
    await clinic.do("collection.drop", CollectionName(collection="docs"), CollectionInfo)
    left = await clinic.do("space.leave", LeaveSpace(space="commons", encoder="given"), LeftSpace)
    assert (left.natives, left.collections) == ((old,), ())
    clinic.node.card.current()
    await asking.some_more()
    asking.stop()
    await running

    assert () not in asking.found
    assert asking.found[0] == ("docs",)
    assert asking.found[-1] == ("docs-next",)
    await news(clinic, lab)
    card = lab.node.peers.active(clinic.name).card
    assert {route.into for route in card.routes} == {joined.native}
    assert not {"space-left-over", "space-unreached"} & set(await clinic.findings())
