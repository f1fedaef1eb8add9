"""Two silos on two real models ask each other through a shared space of public anchors.

The lab runs all-MiniLM-L6-v2 inside its node, the clinic a static model that is distilled from it
here and answers behind an OpenAI-compatible server. Anchors are docstrings of the standard library,
collections docstrings of installed packages. A question is a docstring's summary line, and what it
should find is the rest of that docstring, at the other silo, through another model.
"""

import importlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from examples.three_organisations.anchors import Public, anchors, standard_library
from examples.three_organisations.docstrings import Docstring, distinct, of_installed
from examples.three_organisations.transformers import STATIC_DIMENSIONS, minilm
from node.ingest.record import Record
from node.operations.anchors import (
    AnchorsInfo,
    EmbedAnchors,
    Embedded,
    ExportAnchors,
    ImportAnchors,
)
from node.operations.audit import LogVerified, VerifyLog
from node.operations.encoders import AddEncoder, EncoderInfo
from node.operations.peers import NamedPeer, PeerRefreshed
from node.operations.registry import silent
from node.operations.resolve import Resolve, ResolvedRecord
from node.operations.space_joining import JoinSpace
from node.operations.space_making import CreatedSpace, CreateSpace
from node.spaces.report import SpaceInfo
from protocol.leaf import Received
from tests.models.packages import missing, reason
from tests.models.static_server import serving
from tests.scenarios.world import DOCS, Organisation, World, grant, only, pair

pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=reason()),
    pytest.mark.filterwarnings("default"),  # what the models' libraries warn of is not ours
]

ANCHORS, DOCUMENTS, QUESTIONS, K = 500, 150, 30, 10
LONGEST = 200  # characters of a text, so that processors without much power come to an end
LAB, CLINIC = "lab.example", "clinic.example"
PACKAGES = {LAB: ("numpy",), CLINIC: ("aiohttp", "pydantic", "cryptography")}


@dataclass
class Silo:
    """One organisation, and what it holds by document id."""

    organisation: Organisation
    held: dict[str, Docstring]


@dataclass
class Consortium:
    lab: Silo
    clinic: Silo


def evenly(items: Sequence[Any], most: int) -> list[Any]:
    return [items[place * len(items) // most] for place in range(min(most, len(items)))]


def documents(organisation: str) -> dict[str, Docstring]:
    """Docstrings with more to them than a summary line."""
    found = distinct(each for package in PACKAGES[organisation] for each in of_installed(package))
    telling = [each for each in found if len(each.summary.split()) >= 4 and len(each.rest) >= 200]
    return {f"{n}": each for n, each in enumerate(evenly(telling, DOCUMENTS))}


async def silo(world: World, name: str, encoder: AddEncoder) -> Silo:
    """An organisation with its model, its documents, and the anchors embedded."""
    made = await world.organisation(name)
    await made.do("encoder.add", encoder, EncoderInfo)
    collection = await made.node.collections.create(DOCS, encoder.name)
    held = documents(name)
    texts = [
        Record(id=key, where=key, text=each.rest[:LONGEST], labels=frozenset({"open"}))
        for key, each in held.items()
    ]
    await collection.ingest(texts, len(texts), silent)
    await embed_anchors(world, made, encoder.name)
    return Silo(made, held)


async def embed_anchors(world: World, made: Organisation, encoder: str) -> None:
    public = world.directory / "public.jsonl"
    if not public.exists():
        kept = evenly(anchors(Public(standard_library(), [])), ANCHORS)
        lines = ({"document": a.document[:LONGEST], "query": a.query} for a in kept)
        public.write_text("".join(json.dumps(line) + "\n" for line in lines))
    await made.do("anchors.import", ImportAnchors(name="public", file=public), AnchorsInfo)
    await made.do("anchors.embed", EmbedAnchors(anchors="public", encoder=encoder), Embedded)
    out = exported(world, made.name)
    await made.do(
        "anchors.export", ExportAnchors(anchors="public", encoder=encoder, out=out), Embedded
    )


def exported(world: World, name: str) -> Path:
    return world.directory / f"{name}.safetensors"


async def share_space(world: World, lab: Organisation, clinic: Organisation) -> None:
    create = CreateSpace(
        name="commons",
        anchors="public",
        members=(exported(world, CLINIC),),
        encoders=("own",),
        out=world.directory,
    )
    created = await lab.do("space.create", create, CreatedSpace)
    for one, other in ((lab, clinic), (clinic, lab)):
        member = (exported(world, other.name),)
        join = JoinSpace(manifest=created.manifest, encoder="own", members=member)
        await one.do("space.join", join, SpaceInfo)
    for one, other in ((lab, clinic), (clinic, lab)):
        await one.do("peer.refresh", NamedPeer(organisation=other.name), PeerRefreshed)


@pytest.fixture
async def consortium(tmp_path: Path) -> AsyncIterator[Consortium]:
    distill: Any = importlib.import_module("model2vec.distill").distill
    world, model = World(tmp_path), minilm()
    static = distill(model_name=model, pca_dims=STATIC_DIMENSIONS, device="cpu")
    async with serving(static) as url:
        try:
            settings = {"model": model, "device": "cpu"}
            whole = AddEncoder(name="own", kind="sentence-transformers", settings=settings)
            lab = await silo(world, LAB, whole)
            settings = {"model": "static", "url": url}
            cut = AddEncoder(name="own", kind="openai", settings=settings)
            clinic = await silo(world, CLINIC, cut)
            await pair(lab.organisation, clinic.organisation)
            await share_space(world, lab.organisation, clinic.organisation)
            await lab.organisation.grant(grant(CLINIC))
            await clinic.organisation.grant(grant(LAB))
            yield Consortium(lab, clinic)
        finally:
            await world.close()


async def share_found(asker: Silo, holder: Silo) -> float:
    """Ask the holder its own documents' summary lines; return how many find their document."""
    found = 0
    for key in evenly(list(holder.held), QUESTIONS):
        result = await asker.organisation.ask(
            vectors=(), texts=[holder.held[key].summary], encoder="own", k=K
        )
        status = only(result, holder.organisation.name)
        assert status.state == "ok", status
        assert status.receipt_index is not None
        assert status.route is not None
        assert status.route.adapter
        assert status.route.own_adapter
        found += key in [await resolved(holder, hit.reference) for hit in result.results[0]]
    return found / QUESTIONS


async def resolved(holder: Silo, reference: str | None) -> str | None:
    request = Resolve(reference=reference or "")
    return (await holder.organisation.do("resolve", request, ResolvedRecord)).external_id


async def test_two_real_models_find_each_others_documents(consortium: Consortium) -> None:
    """By chance a document would be among ten of 150 in one case of 15."""
    lab, clinic = consortium.lab, consortium.clinic
    assert lab.organisation.node.encoders.get("own").envelope.dimension == 384
    assert clinic.organisation.node.encoders.get("own").envelope.dimension == STATIC_DIMENSIONS
    shares = {
        "lab asks": await share_found(lab, clinic),
        "clinic asks": await share_found(clinic, lab),
    }
    assert min(shares.values()) >= 0.5, shares
    for one in (lab.organisation, clinic.organisation):
        log = await one.do("audit.verify", VerifyLog(), LogVerified)
        assert log.findings == ()
        assert log.receipts == log.receipts_proved == len(one.leaves(Received)) >= QUESTIONS
