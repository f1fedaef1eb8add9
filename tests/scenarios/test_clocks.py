"""Nodes whose clocks differ: within the tolerance nothing is lost, beyond it both are told."""

import pytest

from node.audit.entry import Entry
from node.doctor.finding import Diagnosis, Finding
from node.operations.keys import RootChanged, Rotate
from node.operations.peers import NamedPeer, PeerRefreshed
from node.operations.registry import NoRequest
from protocol.event_leaves import Started
from tests.scenarios.conftest import Pair
from tests.scenarios.world import Organisation, World, documents, grant, pair

LAB, CLINIC = "lab.example", "clinic.example"
DAY_S = 86_400


async def with_clocks(world: World, lab_s: int, clinic_s: int) -> Pair:
    """A lab and a clinic that pair while their clocks agree, and go wrong afterwards."""
    lab = await world.organisation(LAB)
    clinic = await world.organisation(CLINIC, documents("clinic"))
    await pair(lab, clinic)
    await clinic.grant(grant(LAB))
    await lab.grant(grant(CLINIC))
    lab.clock.ahead, clinic.clock.ahead = lab_s, clinic_s
    return Pair(world, lab, clinic)


async def the_finding(one: Organisation, other: str, code: str) -> Finding:
    found = await one.do("peer.test", NamedPeer(organisation=other), Diagnosis)
    (finding,) = [each for each in found.findings if each.code == code]
    return finding


async def own_findings(one: Organisation) -> dict[str, Finding]:
    found = await one.do("doctor", NoRequest(), Diagnosis)
    return {each.code: each for each in found.findings}


@pytest.mark.parametrize("lab_s", [10, -10])
async def test_clocks_that_lie_ten_seconds_apart_hinder_nothing(world: World, lab_s: int) -> None:
    paired = await with_clocks(world, lab_s, 0)
    assert (await paired.lab.ask_one()).state == "ok"
    assert "clock-skew" not in await paired.lab.findings(CLINIC)
    assert "clock-skew" not in await paired.clinic.findings(LAB)
    assert "clock" not in await own_findings(paired.lab)


@pytest.mark.parametrize(("lab_s", "side"), [(40, "behind"), (-40, "ahead of")])
async def test_clocks_that_lie_forty_seconds_apart_are_named_on_both_sides(
    world: World, lab_s: int, side: str
) -> None:
    paired = await with_clocks(world, lab_s, 0)
    status = await paired.lab.ask_one()
    assert (status.state, status.code, status.hits) == ("unverifiable", "clock-skew", None)
    told = status.detail or ""
    assert any(f"{CLINIC} is {n} seconds {side} the one here" in told for n in (39, 40, 41)), told
    assert "partners accept 30" in told
    assert "NTP" in told
    other = {"behind": "ahead of", "ahead of": "behind"}[side]
    for one, name, way in ((paired.lab, CLINIC, side), (paired.clinic, LAB, other)):
        finding = await the_finding(one, name, "clock-skew")
        assert f"{way} the one here; partners accept 30" in finding.cause
        assert "NTP" in finding.fix
    paired.lab.clock.ahead = 0
    assert (await paired.lab.ask_one()).state == "ok"
    assert "clock-skew" not in await paired.lab.findings(CLINIC)


async def test_a_rotation_by_a_clock_ten_seconds_ahead_reaches_partners_at_once(
    world: World,
) -> None:
    paired = await with_clocks(world, 0, 10)
    rotate = Rotate(purpose="sign", at_once=True)
    changed = await paired.clinic.do("key.rotate", rotate, RootChanged)
    assert changed.told == (LAB,)
    for _ in range(3):
        assert (await paired.lab.ask_one()).state == "ok"
    assert paired.clinic.node.identity.kid("sign") in changed.created


async def test_a_rotation_by_a_clock_too_far_ahead_is_taken_when_its_time_has_come(
    world: World,
) -> None:
    paired = await with_clocks(world, 0, 300)
    lab, refresh = paired.lab, NamedPeer(organisation=CLINIC)
    await paired.clinic.do("key.rotate", Rotate(purpose="sign"), RootChanged)
    held = lab.node.peers.get(CLINIC).root
    refused = await lab.do("peer.refresh", refresh, PeerRefreshed)
    assert "in the future; compare the clocks" in str(refused.problem)
    assert lab.node.peers.get(CLINIC).root == held
    paired.clinic.clock.ahead = 0  # corrected; the document is still dated ahead
    paired.world.time.offset += 300
    for one in (paired.clinic, lab):
        await one.node.renew()
    assert (await lab.do("peer.refresh", refresh, PeerRefreshed)).problem is None
    assert lab.node.peers.get(CLINIC).root.version == held.version + 1
    assert (await lab.ask_one()).state == "ok"


async def test_a_clock_that_is_behind_the_own_log_at_start_is_noticed(world: World) -> None:
    alone = await world.organisation(CLINIC)
    world.time.offset += 3600
    started = Started(
        at=alone.clock(),
        origin=alone.node.log_origin,
        key=alone.node.identity.kid("log"),
        size=alone.node.log.size(),
        software="tests",
    )
    await alone.node.log.append(Entry(started))
    again = await restarted(world, alone, -1800)
    assert "behind what was signed or seen before" in (await own_findings(again))["clock"].cause
    again.clock.ahead = 0
    assert "clock" not in await own_findings(again)


async def test_a_clock_that_is_ahead_at_start_is_noticed_by_partners_answers(world: World) -> None:
    paired = await with_clocks(world, 0, 0)
    version = paired.clinic.node.identity.root.version
    clinic = await restarted(world, paired.clinic, 80 * DAY_S)  # the document would be renewed
    assert clinic.node.identity.root.version == version
    assert "ahead of those of most partners" in (await own_findings(clinic))["clock"].cause
    clinic.clock.ahead = 0
    assert "clock" not in await own_findings(clinic)


async def restarted(world: World, one: Organisation, ahead_s: int) -> Organisation:
    await one.stop()
    world.organisations.remove(one)
    return await world.serve(one.node.data, ahead_s)
