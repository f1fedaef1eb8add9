"""Three organisations with three models ask each other through a shared space."""

from dataclasses import dataclass

import numpy as np
import pytest

from keys.signer import SeedSigner
from node.federation.ask import Result
from node.operations.partners import ListPartners, Partners
from node.operations.resolve import Resolve, ResolvedRecord
from node.spaces.embedding_file import AnchorEmbeddings
from node.spaces.manifest import sign_manifest
from protocol.leaf import Answered, Sent
from tests.node.spaces.consortium import created, joining_of, members
from tests.scenarios.anchor_records import records
from tests.scenarios.world import Organisation, World, grant, only, pair

QUESTIONS = range(0, 600, 50)
HUB = created()[0].envelope.space_id
HELD = {"a.example": range(0, 200), "b.example": range(200, 400), "c.example": range(400, 600)}


@dataclass
class Consortium:
    """The three, by name, and what each model makes of every text."""

    nodes: dict[str, Organisation]
    embeddings: dict[str, AnchorEmbeddings]


@pytest.fixture
async def consortium(world: World) -> Consortium:
    """Each holds a third of the documents, has joined the space, and grants the others."""
    manifest, positions = created()
    raw = sign_manifest(manifest, [SeedSigner.generate()])
    everybody = {own.organisation: own for own in members()}
    nodes: dict[str, Organisation] = {}
    for name, own in everybody.items():
        made = await world.organisation(name, records(own, HELD[name]), space=own.envelope)
        others = [other for other in members() if other is not own]
        joining = joining_of(own, *others)
        made.node.spaces.keep(manifest, raw, positions.encoded, joining, others)
        nodes[name] = made
    for one, other in (("a", "b"), ("a", "c"), ("b", "c")):
        await pair(nodes[f"{one}.example"], nodes[f"{other}.example"])
    for name, node in nodes.items():
        await node.grant(*(grant(other) for other in nodes if other != name))
    return Consortium(nodes, everybody)


async def found_by(consortium: Consortium, asker: str, question: int) -> list[Result]:
    vector = consortium.embeddings[asker].query[question]
    node = consortium.nodes[asker]
    result = await node.ask(vectors=[np.asarray(vector).tolist()], own=True, k=10)
    assert {silo.state for silo in result.silos} == {"ok"}
    return list(result.results[0])


async def name_of(consortium: Consortium, hit: Result) -> str | None:
    if hit.own:
        return hit.external_id
    owner = consortium.nodes[hit.organisation]
    found = await owner.do("resolve", Resolve(reference=hit.reference or ""), ResolvedRecord)
    return found.external_id


@pytest.mark.parametrize("asker", ["a.example", "b.example", "c.example"])
async def test_what_is_asked_is_found_wherever_it_lies(consortium: Consortium, asker: str) -> None:
    found = 0
    for question in QUESTIONS:
        hits = await found_by(consortium, asker, question)
        names = [await name_of(consortium, hit) for hit in hits]
        found += f"text-{question}" in names
    assert found >= 0.75 * len(QUESTIONS)


async def test_all_scores_are_in_the_shared_space_and_say_how_they_came_there(
    consortium: Consortium,
) -> None:
    hits = await found_by(consortium, "a.example", 250)
    assert {hit.score_space for hit in hits} == {HUB}
    assert all(hit.bin is not None for hit in hits)
    assert await name_of(consortium, hits[0]) == "text-250"
    foreign = [hit for hit in hits if not hit.own]
    assert foreign
    assert all("+" in hit.route and hit.overlap is not None for hit in foreign)
    # the own collection was searched by the question as it was encoded: no map had a part in it
    assert {hit.route for hit in hits if hit.own} == {"identity"}


async def test_both_leaves_name_the_maps_that_were_applied(consortium: Consortium) -> None:
    asker, holder = consortium.nodes["a.example"], consortium.nodes["b.example"]
    vector = consortium.embeddings["a.example"].query[250].tolist()
    result = await asker.ask(vectors=[vector], peers=["b.example"])
    route = only(result, "b.example").route
    assert route is not None
    (sent,) = asker.leaves(Sent)
    (answered,) = holder.leaves(Answered)
    assert sent.space == answered.space == HUB == answered.score_space
    assert sent.adapter == route.own_adapter is not None
    assert answered.adapter == route.adapter == sent.route


async def test_the_verdict_is_told_before_and_after_asking_also_of_who_has_not_joined(
    consortium: Consortium, world: World
) -> None:
    own = consortium.embeddings["a.example"]
    other = own.envelope.model_copy(update={"model": "foreign"})
    stranger = await world.organisation(
        "d.example", records(own, HELD["a.example"]), space=type(own.envelope)(**dict(other))
    )
    await pair(stranger, consortium.nodes["a.example"])
    await stranger.grant(grant("a.example"))
    vector = own.query[0].tolist()
    result = await consortium.nodes["a.example"].ask(vectors=[vector])
    assert only(result, "d.example").state == "no-route"
    assert only(result, "b.example").state == "ok"
    partners = await consortium.nodes["a.example"].do("partners", ListPartners(), Partners)
    reached = {p.organisation: p.reached["docs"] for p in partners.partners if p.offers}
    (adaptable,), (incompatible,) = reached["b.example"], reached["d.example"]
    assert (adaptable.verdict, adaptable.through) == ("adaptable", created()[0].name)
    assert adaptable.own_adapter
    assert adaptable.adapter
    assert adaptable.figures["mrr"].value > 0.5
    assert "MRR" in adaptable.in_words()
    assert incompatible.verdict == "incompatible"
    assert incompatible.reasons == ("model: made-up there, foreign here",)
    assert "space create" in (incompatible.fix or "")
    assert "space create" in (only(result, "d.example").fix or "")
    assert [route.verdict for silo in result.silos if (route := silo.route)] == ["adaptable"] * 2
    assert "adaptable" in await consortium.nodes["a.example"].findings("b.example")
    assert "no-route" in await consortium.nodes["a.example"].findings("d.example")
