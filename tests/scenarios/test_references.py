"""References between real nodes: whose they are, and what becomes of them when records go."""

import pytest

from node.federation.errors import FederationError
from node.federation.references import ReferenceForeign
from node.operations.resolve import Resolve, ResolvedRecord
from tests.scenarios.world import DOCS, Organisation, World, documents, grant, pair, vector


async def shown(lab: Organisation, away: float = 0.0) -> str:
    result = await lab.ask(vectors=[vector(0, away).tolist()], k=1)
    return result.results[0][0].reference or ""


async def named(clinic: Organisation, reference: str, peer: str | None = None) -> ResolvedRecord:
    request = Resolve(reference=reference, peer=peer, collection=DOCS if peer else None)
    return await clinic.do("resolve", request, ResolvedRecord)


async def test_one_record_has_another_reference_for_each_partner_and_both_resolve(
    world: World,
) -> None:
    clinic = await world.organisation("clinic.example", documents("clinic"))
    labs = [await world.organisation(name) for name in ("lab.example", "firm.example")]
    for lab in labs:
        await pair(lab, clinic)
    await clinic.grant(*(grant(lab.name) for lab in labs))
    references = [await shown(lab) for lab in labs]
    assert references[0] != references[1]
    for lab, reference in zip(labs, references, strict=True):
        found = await named(clinic, reference)
        assert (found.peer, found.external_id) == (lab.name, "clinic-0")
    with pytest.raises((ReferenceForeign, FederationError)):
        await named(clinic, references[0], peer="firm.example")


async def test_a_reference_never_names_another_record_after_deletions(world: World) -> None:
    lab = await world.organisation("lab.example")
    clinic = await world.organisation("clinic.example", documents("clinic"))
    await pair(lab, clinic)
    await clinic.grant(grant("lab.example"))
    old = await shown(lab)
    collection = clinic.node.collections.get(DOCS)
    every = documents("clinic")
    assert await collection.delete(record.id for record in every) == len(every)
    await collection.compact(lambda *_: None)
    await collection.ingest(documents("later"), len(every), lambda *_: None)
    assert (await named(clinic, old)).external_id is None
    new = await shown(lab)
    assert new != old
    assert (await named(clinic, new)).external_id == "later-0"
    # the same id again is another record: what was said of the old one is not said of this one
    await collection.ingest(every[:1], 1, lambda *_: None)
    assert (await named(clinic, old)).external_id is None
