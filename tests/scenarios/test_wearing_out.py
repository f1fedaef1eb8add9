"""A batch that uses up records itself is answered like the same questions one after another."""

from node.federation.ask import AskRequest, AskResult
from tests.scenarios.world import PURPOSE, World, documents, grant, pair, vector


async def test_a_batch_may_use_up_a_record_with_each_of_its_vectors(world: World) -> None:
    """Found by the extraction benchmark: it was refused as busy, however often it was sent."""
    lab = await world.organisation("lab.example")
    clinic = await world.organisation("clinic.example", documents("clinic", 24))
    await pair(lab, clinic)
    await clinic.grant(grant("lab.example", granularity="ranks", answers_per_record=1))
    vectors = [vector(0, 0.01 * n).tolist() for n in range(20)]
    request = AskRequest(vectors=vectors, purpose=PURPOSE, own=False, k=1)
    result = await lab.do("query", request, AskResult)
    assert [(silo.state, silo.code) for silo in result.silos] == [("ok", None)]
    assert len({hits[0].reference for hits in result.results}) == 20
