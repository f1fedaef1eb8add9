"""Two nodes whose models see more than their shared space holds ask each other without it."""

import pytest

from adapters.choose import AFFINE_FITS
from keys.signer import SeedSigner
from node.federation.ask import AskResult
from node.operations.space_joining import LeaveSpace, LeftSpace
from node.operations.spaces import SpaceList, SpaceName
from node.spaces.manifest import sign_manifest
from protocol.leaf import Answered, Sent
from tests.node.spaces.consortium import created, expert, joining_of, members
from tests.scenarios.anchor_records import records
from tests.scenarios.world import Organisation, World, grant, only, pair

FOUNDER = members()[0]
D, E = expert("d.example", 64, 50), expert("e.example", 72, 51)
QUESTIONS = range(200, 400, 20)


@pytest.fixture
async def experts(world: World) -> tuple[Organisation, Organisation]:
    """Both hold each other's anchor embeddings; the shared space was founded by lesser models."""
    manifest, positions = created()
    raw = sign_manifest(manifest, [SeedSigner.generate()])
    made = []
    for own, other, held in ((D, E, range(200)), (E, D, range(200, 400))):
        one = await world.organisation(own.organisation, records(own, held), space=own.envelope)
        joining = joining_of(own, FOUNDER, other)
        one.node.spaces.keep(manifest, raw, positions.encoded, joining, [FOUNDER, other])
        one.node.card.current()
        made.append(one)
    await pair(made[0], made[1])
    for one, peer in ((made[0], made[1]), (made[1], made[0])):
        await one.grant(grant(peer.name))
    return made[0], made[1]


async def ask(asker: Organisation, number: int) -> AskResult:
    return await asker.ask(vectors=[D.query[number].tolist()], own=True, k=5)


async def test_a_question_goes_the_direct_way_and_its_answers_merge_with_the_own(
    experts: tuple[Organisation, Organisation],
) -> None:
    asker, holder = experts
    best = []
    for number in QUESTIONS:
        result = await ask(asker, number)
        best.append(result.results[0][0])
        assert {hit.score_space for hit in result.results[0]} == {D.space_id}
    assert sum(hit.organisation == "e.example" for hit in best) >= len(QUESTIONS) - 1
    status = only(result, "e.example")
    assert status.route is not None
    assert status.route.kind in AFFINE_FITS
    assert status.route.own_adapter is None
    assert status.route.figures["mrr"].value > 0.9
    sent, answered = asker.leaves(Sent)[-1], holder.leaves(Answered)[-1]
    assert (sent.space, sent.adapter, sent.route) == (D.space_id, None, status.route.adapter)
    assert (answered.space, answered.adapter) == (D.space_id, status.route.adapter)


async def test_the_way_is_on_the_card_and_in_what_is_shown_of_the_space_until_it_is_left(
    experts: tuple[Organisation, Organisation],
) -> None:
    asker, holder = experts
    card = holder.node.card.current()[0]
    (route,) = card.routes_from(D.space_id, E.space_id)
    assert route.quality["mrr"].milli > 900
    (shown,) = (await asker.do("space.show", SpaceName(space="commons"), SpaceList)).spaces
    ways = {(row.asker, row.responder): row.by for row in shown.routes}
    assert ways["d.example", "e.example"] == "direct"
    assert ways["d.example", "a.example"] == "shared"

    await ask(asker, 200)
    await holder.do("space.leave", LeaveSpace(space="commons"), LeftSpace)
    holder.node.card.current()
    assert only(await ask(asker, 200), "e.example").state in {"no-route", "denied"}
