"""Organisations with different models that ask each other through a shared space."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from node.federation.ask import AskResult
from node.ingest.record import Record
from node.operations.anchors import (
    AnchorsInfo,
    AnchorsList,
    AnchorTexts,
    EmbedAnchors,
    Embedded,
    ExportAnchors,
    ImportAnchors,
    PublishAnchors,
    PublishedAnchors,
)
from node.operations.errors import OperationError, translate
from node.operations.peers import NamedPeer, PeerRefreshed
from node.operations.registry import NoRequest
from node.operations.space_joining import JoinSpace
from node.operations.space_making import CreatedSpace, CreateSpace, SignedSpace, SignSpace
from node.operations.spaces import SpaceList
from node.spaces.anchor_set import parse_jsonl
from node.spaces.errors import (
    AnchorsRefused,
    CannotJoin,
    EmbeddingsRefused,
    ManifestRefused,
    NoManifest,
    NotEmbedded,
    ReplacementRefused,
)
from node.spaces.report import SpaceInfo
from protocol.envelope import Envelope, Prompts
from protocol.event_leaves import AdminActed
from tests.adapters.worlds import turn, unit
from tests.scenarios.world import Organisation, World, grant, only, pair

TOPICS = 12
WIDTHS = {"lab.example": 16, "clinic.example": 24, "archive.example": 20}
ANCHORS = 400


class Model:
    """One organisation's way to see meanings (n, 12): a turn, a width and a mean of its own."""

    def __init__(self, name: str) -> None:
        self.width = WIDTHS[name]
        rng = np.random.default_rng(self.width)
        self._basis = turn(rng, self.width)[:TOPICS]
        self._mean = 0.1 * rng.normal(size=self.width)
        self.envelope = Envelope(
            provider=name,
            model="made-up",
            revision="1",
            dimension=self.width,
            pooling="none",
            normalisation="l2",
            similarity="cosine",
            prompts=Prompts.of(),
        )

    def see(self, meanings: NDArray[np.float64]) -> NDArray[np.float32]:
        return unit(meanings @ self._basis + self._mean)


def meaning(text: str) -> NDArray[np.float64]:
    """What a text means: the last number in it decides."""
    return np.random.default_rng(int(text.split()[-1])).normal(size=TOPICS)


def meanings(texts: list[str]) -> NDArray[np.float64]:
    return np.stack([meaning(text) for text in texts])


def records(name: str, first: int, count: int = 30) -> list[Record]:
    texts = [f"private text {number}" for number in range(first, first + count)]
    rows = Model(name).see(meanings(texts))
    return [
        Record(id=text, where=text, text=text, vector=row, labels=frozenset({"open"}))
        for text, row in zip(texts, rows, strict=True)
    ]


async def founded(world: World, name: str, first: int) -> Organisation:
    """An organisation with thirty documents, and the public anchors embedded by its model."""
    made = await world.organisation(name, records(name, first), space=Model(name).envelope)
    folder = world.directory / name
    folder.mkdir()
    await embed_anchors(made, folder)
    return made


async def embed_anchors(made: Organisation, folder: Path) -> None:
    """As a person does whose model runs elsewhere: texts out, vectors in, file for the others."""
    public, texts = folder / "public.jsonl", folder / "texts.jsonl"
    lines = [
        f'{{"document": "anchor {n}", "query": "anchor ? {n}"}}\n'
        for n in range(1000, 1000 + ANCHORS)
    ]
    public.write_text("".join(lines))
    await made.do("anchors.import", ImportAnchors(name="public", file=public), AnchorsInfo)
    await made.do("anchors.texts", AnchorTexts(anchors="public", out=texts), AnchorsInfo)
    anchors = parse_jsonl(texts.read_bytes().splitlines())
    files = []
    for view in ("document", "query"):
        files.append(folder / f"{view}.npy")
        np.save(files[-1], Model(made.name).see(meanings(anchors.texts(view))))
    request = EmbedAnchors(anchors="public", encoder="given", vectors=(files[0], files[1]))
    await made.do("anchors.embed", request, Embedded)
    export = ExportAnchors(anchors="public", encoder="given", out=folder / "anchors.safetensors")
    await made.do("anchors.export", export, Embedded)


def exported(world: World, *others: Organisation) -> tuple[Path, ...]:
    return tuple(world.directory / other.name / "anchors.safetensors" for other in others)


async def create(
    world: World,
    author: Organisation,
    *others: Organisation,
    threshold: int = 1,
    name: str = "commons",
    replaces: str | None = None,
) -> Path:
    request = CreateSpace(
        name=name,
        anchors="public",
        members=exported(world, *others),
        encoders=("given",),
        threshold=threshold,
        out=world.directory,
        replaces=replaces,
    )
    return (await author.do("space.create", request, CreatedSpace)).manifest


async def join(
    world: World,
    one: Organisation,
    manifest: Path,
    *others: Organisation,
    encoder: str = "given",
    members: tuple[Path, ...] = (),
) -> SpaceInfo:
    files = (*exported(world, *others), *members)
    request = JoinSpace(manifest=manifest, encoder=encoder, members=files)
    return await one.do("space.join", request, SpaceInfo)


async def ask(asker: Organisation, number: int, **fields: Any) -> AskResult:
    rows = Model(asker.name).see(meanings([f"question {number}"]))
    return await asker.ask(vectors=rows.tolist(), **fields)


@pytest.fixture
async def three(world: World) -> list[Organisation]:
    """Three organisations, three models, paired; the lab made the space, all have joined it."""
    made = [await founded(world, name, 100 * n) for n, name in enumerate(WIDTHS, 1)]
    lab, clinic, archive = made
    for one, other in ((lab, clinic), (lab, archive), (clinic, archive)):
        await pair(one, other)
    manifest = await create(world, lab, clinic, archive)
    for one in made:
        others = [other for other in made if other is not one]
        await join(world, one, manifest, *others)
        await one.grant(*(grant(other.name) for other in others))
        one.node.card.current()
    for one in made:
        for other in made:
            if other is not one:
                name = NamedPeer(organisation=other.name)
                await one.do("peer.refresh", name, PeerRefreshed)
    return made


async def test_each_finds_what_another_model_has_indexed(three: list[Organisation]) -> None:
    lab, clinic, archive = three
    for asker, number, owner in ((lab, 205, clinic), (clinic, 307, archive), (archive, 111, lab)):
        result = await ask(asker, number, own=True, k=5)
        assert {silo.state for silo in result.silos} == {"ok"}
        best = result.results[0][0]
        assert best.organisation == owner.name
        assert best.bin == max(hit.bin for hit in result.results[0] if hit.bin is not None)
        assert best.reference is not None


async def test_all_silos_are_scored_in_the_shared_space(three: list[Organisation]) -> None:
    result = await ask(three[0], 205, own=True, k=10)
    (hub,) = {hit.score_space for hit in result.results[0]}
    (info,) = (await three[0].do("space.list", NoRequest(), SpaceList)).spaces
    assert hub == info.space
    assert {silo.organisation for silo in result.silos} == set(WIDTHS)
    told = {silo.route.score_kind for silo in result.silos if silo.route is not None}
    assert told == {"corrected"}


async def test_what_scoring_needs_of_each_document_is_there_after_joining(
    three: list[Organisation],
) -> None:
    for one in three:
        (collection,) = one.node.collections.all()
        (yardstick,) = one.node.spaces.yardsticks(collection.space_id)
        assert collection.serving.prepared(yardstick)


async def test_the_answer_names_the_way_and_what_was_measured_of_it(
    three: list[Organisation],
) -> None:
    status = only(await ask(three[0], 205), "clinic.example")
    assert status.route is not None
    assert status.route.adapter is not None
    assert status.route.own_adapter is not None
    assert status.route.figures["mrr"].value > 0.8


async def test_a_member_that_comes_later_is_found_and_finds(world: World) -> None:
    lab = await founded(world, "lab.example", 100)
    clinic = await founded(world, "clinic.example", 200)
    archive = await founded(world, "archive.example", 300)
    for one, other in ((lab, clinic), (lab, archive), (clinic, archive)):
        await pair(one, other)
    manifest = await create(world, lab, clinic)
    await join(world, lab, manifest, clinic)
    before = lab.node.card.current()[0].routes
    info = await join(world, archive, manifest, lab, clinic)
    assert not info.founder
    assert info.consensus_checked
    await archive.grant(grant("lab.example"))
    await lab.grant(grant("archive.example"))
    archive.node.card.current()
    await lab.do("peer.refresh", NamedPeer(organisation="archive.example"), PeerRefreshed)
    await archive.do("peer.refresh", NamedPeer(organisation="lab.example"), PeerRefreshed)
    found = (await ask(lab, 305, peers=["archive.example"])).results[0][0]
    assert (found.organisation, found.rank) == ("archive.example", 1)
    assert (await ask(archive, 105, peers=["lab.example"])).results[0][0].bin is not None
    assert lab.node.card.current()[0].routes == before


async def test_two_of_the_founders_sign_where_two_are_wanted(world: World) -> None:
    lab = await founded(world, "lab.example", 100)
    clinic = await founded(world, "clinic.example", 200)
    await pair(lab, clinic)
    manifest = await create(world, lab, clinic, threshold=2)
    with pytest.raises(ManifestRefused, match="needs 2 valid signatures"):
        await join(world, lab, manifest, clinic)
    with pytest.raises(EmbeddingsRefused, match="consensus was computed again"):
        await clinic.do(
            "space.sign", SignSpace(manifest=manifest, encoders=("given",)), SignedSpace
        )
    request = SignSpace(manifest=manifest, members=exported(world, lab), encoders=("given",))
    signed = await clinic.do("space.sign", request, SignedSpace)
    assert (signed.threshold, signed.signatures) == (2, 2)
    assert (await join(world, lab, manifest, clinic)).founder
    acts = [(leaf.operation, leaf.subject) for leaf in clinic.leaves(AdminActed)]
    assert ("space-sign", "commons") in acts


async def test_replacing_a_space_needs_as_many_signatures_again(world: World) -> None:
    lab = await founded(world, "lab.example", 100)
    clinic = await founded(world, "clinic.example", 200)
    await pair(lab, clinic)
    former = await create(world, lab, clinic, threshold=2)
    sign = SignSpace(manifest=former, members=exported(world, lab), encoders=("given",))
    await clinic.do("space.sign", sign, SignedSpace)
    for one, other in ((lab, clinic), (clinic, lab)):
        await join(world, one, former, other)
    await lab.grant(grant("clinic.example"))
    for one, other in ((lab, clinic), (clinic, lab)):
        one.node.card.current()
        await other.do("peer.refresh", NamedPeer(organisation=one.name), PeerRefreshed)

    newer = await create(world, lab, clinic, threshold=1, name="renewed", replaces="commons")
    for one, other in ((lab, clinic), (clinic, lab)):
        with pytest.raises(ReplacementRefused, match=r"replaces commons, which needs .* of 2 of"):
            await join(world, one, newer, other)  # what it asks for itself is not enough
    assert (await ask(clinic, 105)).results[0][0].bin is not None, "the former still works"

    sign = SignSpace(manifest=newer, members=exported(world, lab), encoders=("given",))
    signed = await clinic.do("space.sign", sign, SignedSpace)
    assert (signed.replaces, signed.former_threshold) == ("commons", 2)
    for one, other in ((lab, clinic), (clinic, lab)):
        assert (await join(world, one, newer, other)).replaces is not None
    named = {each.name for each in (await lab.do("space.list", NoRequest(), SpaceList)).spaces}
    assert named == {"commons", "renewed"}


async def test_a_published_anchor_set_says_where_it_is_from_and_is_taken_from_partners_alone(
    world: World,
) -> None:
    lab = await founded(world, "lab.example", 100)
    clinic, archive = [await world.organisation(name) for name in list(WIDTHS)[1:]]
    await pair(lab, clinic)
    publish = PublishAnchors(
        anchors="public", source="made up", licence="CC0-1.0", out=world.directory
    )
    made = await lab.do("anchors.publish", publish, PublishedAnchors)
    request = ImportAnchors(name="theirs", file=made.texts, manifest=made.manifest)
    taken = await clinic.do("anchors.import", request, AnchorsInfo)
    assert (taken.set_id, taken.views) == (made.anchors.set_id, {"given": ANCHORS})
    assert (taken.author, taken.licence) == ("lab.example", "CC0-1.0")
    with pytest.raises(AnchorsRefused, match=r"lab\.example, which is no partner"):
        await archive.do("anchors.import", request, AnchorsInfo)


async def test_a_member_joins_with_nothing_but_the_folder_that_the_others_filled(
    world: World,
) -> None:
    folder = world.directory / "shared"
    folder.mkdir()
    lab = await founded(world, "lab.example", 100)
    clinic = await founded(world, "clinic.example", 200)
    await pair(lab, clinic)
    for one in (lab, clinic):
        export = ExportAnchors(anchors="public", encoder="given", out=folder)
        written = await one.do("anchors.export", export, Embedded)
        assert written.file == folder / f"public.{one.name}.given.anchors.safetensors"
    publish = PublishAnchors(anchors="public", source="made up", licence="CC0-1.0", out=folder)
    await lab.do("anchors.publish", publish, PublishedAnchors)
    with pytest.raises(NoManifest, match="holds no manifest"):
        await clinic.do("space.join", JoinSpace(manifest=folder, encoder="given"), SpaceInfo)
    request = CreateSpace(
        name="commons", anchors="public", members=(folder,), encoders=("given",), out=folder
    )
    await lab.do("space.create", request, CreatedSpace)

    joined = await clinic.do("space.join", JoinSpace(manifest=folder, encoder="given"), SpaceInfo)
    assert joined.consensus_checked
    assert {(row.asker, row.responder) for row in joined.routes} == {
        ("lab.example", "clinic.example"),
        ("clinic.example", "lab.example"),
    }

    archive = await world.organisation("archive.example", space=Model("archive.example").envelope)
    await pair(lab, archive)
    with pytest.raises(NotEmbedded):  # the texts were taken over; only its own vectors are missing
        await archive.do("space.join", JoinSpace(manifest=folder, encoder="given"), SpaceInfo)
    (taken,) = (await archive.do("anchors.list", NoRequest(), AnchorsList)).sets
    assert (taken.name, taken.author) == ("public", "lab.example")


async def test_joining_again_with_other_vectors_of_one_model_is_refused_and_doctor_says_why(
    world: World,
) -> None:
    lab = await founded(world, "lab.example", 100)
    clinic = await founded(world, "clinic.example", 200)
    await pair(lab, clinic)
    manifest = await create(world, lab, clinic)
    await join(world, lab, manifest, clinic)
    assert "space-embeddings" not in await lab.findings()
    (kept,) = lab.node.data.anchors.glob("*/*/embeddings.safetensors")
    kept.unlink()
    folder = world.directory / lab.name
    files = (folder / "query.npy", folder / "document.npy")  # each where the other was
    np.save(files[0], np.roll(np.load(files[0]), 1, axis=0))
    request = EmbedAnchors(anchors="public", encoder="given", vectors=files)
    await lab.do("anchors.embed", request, Embedded)
    with pytest.raises(CannotJoin, match="joined with other embeddings of this model"):
        await join(world, lab, manifest, clinic)
    assert "space-embeddings" in await lab.findings()


async def test_a_space_of_strangers_is_not_joined(world: World) -> None:
    lab = await founded(world, "lab.example", 100)
    clinic = await founded(world, "clinic.example", 200)
    archive = await founded(world, "archive.example", 300)
    manifest = await create(world, lab, clinic)
    with pytest.raises(ManifestRefused, match="not partners here") as refused:
        await join(world, archive, manifest, lab, clinic)
    assert isinstance(translate(refused.value), OperationError)
    assert archive.node.spaces.all() == []


async def test_before_joining_there_is_no_route_and_it_says_so(world: World) -> None:
    lab = await founded(world, "lab.example", 100)
    clinic = await founded(world, "clinic.example", 200)
    await pair(lab, clinic)
    await clinic.grant(grant("lab.example"))
    status = only(await ask(lab, 205), "clinic.example")
    assert status.state == "no-route"
    assert status.detail is not None
    assert "dimension: 16 there, 24 here" in status.detail
