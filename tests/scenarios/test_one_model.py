"""Organisations with one model that set up before they met: two space ids, one space."""

import numpy as np

from protocol.notation import to_base64url
from protocol.probe import PROBE_TEXTS, sketch
from tests.scenarios.world import World, documents, envelope, grant, only, pair


def own_sketch(noise: float) -> str:
    """The sketch of one model as two machines compute it, a little apart."""
    generator = np.random.default_rng(1)
    vectors = generator.normal(size=(len(PROBE_TEXTS), 64))
    vectors += noise * generator.normal(size=vectors.shape)
    return to_base64url(sketch(vectors.astype(np.float32)))


async def test_their_scores_compare_although_their_space_ids_differ(world: World) -> None:
    here, there = envelope(probe=own_sketch(0.0)), envelope(probe=own_sketch(0.01))
    assert here.space_id != there.space_id
    lab = await world.organisation("lab.example", documents("lab"), space=here)
    clinic = await world.organisation("clinic.example", documents("clinic"), space=there)
    await pair(lab, clinic)
    await clinic.grant(grant("lab.example"))
    result = await lab.ask(own=True, k=10)
    assert {silo.state for silo in result.silos} == {"ok"}
    (hits,) = result.results
    assert {hit.score_space for hit in hits} == {here.space_id}
    assert {hit.organisation for hit in hits} == {"lab.example", "clinic.example"}
    bins = [hit.bin for hit in hits if hit.bin is not None]
    assert bins == sorted(bins, reverse=True)
    assert len(bins) == 10


async def test_another_model_of_the_same_name_is_another_space(world: World) -> None:
    lab = await world.organisation(
        "lab.example", documents("lab"), space=envelope(probe=own_sketch(0.0))
    )
    clinic = await world.organisation(
        "clinic.example", documents("clinic"), space=envelope(probe=own_sketch(1.0))
    )
    await pair(lab, clinic)
    await clinic.grant(grant("lab.example"))
    status = only(await lab.ask(own=True), "clinic.example")
    assert status.state == "no-route"
    assert "so the vectors are another model's" in (status.detail or "")
