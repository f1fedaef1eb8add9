"""`peer test` and `doctor ORGANISATION` name what stands between two nodes."""

from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest

from node.doctor.finding import Diagnosis
from node.operations.keys import RootChanged, Rotate
from node.operations.peers import NamedPeer
from protocol.card import CARD_TYPE
from protocol.root import ROOT_TYPE
from tests.scenarios.conftest import Pair, Watched
from tests.scenarios.middleman import Message
from tests.scenarios.test_tls import HTTPS, Certificates
from tests.scenarios.world import World, documents, envelope, grant, pair

CLINIC, LAB = "clinic.example", "lab.example"
HALF_A_DAY_S = 13 * 3600
DAY_S = 86_400


def serve_instead(watched: Watched, kind: str, raw: bytes) -> None:
    """Let whoever stands between serve this document in place of the one of its kind."""

    async def change(answer: Message) -> Message:
        return replace(answer, body=raw) if kind.encode() in answer.body else answer

    watched.between.on_answer = change


async def test_nothing_is_wrong_where_each_opened_something_to_the_other(paired: Pair) -> None:
    other = await paired.world.organisation("other.example", documents("other"))
    await pair(paired.clinic, other)
    await other.grant(grant(CLINIC))
    await paired.clinic.grant(grant(LAB), grant("other.example"))
    assert await paired.clinic.findings("other.example") == []
    assert await other.findings(CLINIC) == []


async def test_what_is_not_granted_yet_is_named_on_both_sides(paired: Pair) -> None:
    assert await paired.lab.findings(CLINIC) == ["no-grant"]
    assert await paired.clinic.findings(LAB) == ["no-offers"]


async def test_a_budget_that_is_used_up_is_named(paired: Pair) -> None:
    await paired.clinic.grant(grant(LAB, queries_per_day=1))
    await paired.lab.ask()
    assert "budget-used" in await paired.lab.findings(CLINIC)


async def test_a_model_from_which_no_way_leads_is_named(paired: Pair) -> None:
    paired.lab.node.encoders.add("another", "caller", {}, envelope("two"))
    assert "no-route" in await paired.lab.findings(CLINIC)


async def test_who_is_pending_or_paused_on_either_side_is_named(paired: Pair) -> None:
    await paired.clinic.change("pause", LAB)
    assert await paired.clinic.findings(LAB) == ["peer-paused"]
    assert await paired.lab.findings(CLINIC) == ["paused-there", "no-grant"]
    await paired.clinic.change("revoke", LAB)
    assert await paired.clinic.findings(LAB) == ["peer-revoked"]
    stranger = await paired.world.organisation("stranger.example")
    await stranger.request((await paired.clinic.invite()).text)
    assert await stranger.findings(CLINIC) == ["peer-pending"]
    assert "peer-pending" in await paired.clinic.findings()


async def test_a_node_that_does_not_run_is_named_and_what_ends_meanwhile(paired: Pair) -> None:
    await paired.clinic.stop()
    missing = ["peer-unreachable", "no-grant"]
    assert await paired.lab.findings(CLINIC) == missing
    ends = (
        (2 * DAY_S, {"card-expired"}),
        (85 * DAY_S, {"card-expired", "root-expiry"}),
        (3 * 365 * DAY_S, {"card-expired", "root-expiry", "key-expiry"}),
    )
    for after, codes in ends:
        paired.world.time.offset = after
        assert set(await paired.lab.findings(CLINIC)) == {*missing, *codes}


async def test_clocks_that_disagree_are_named(watched: Watched) -> None:
    async def change(answer: Message) -> Message:
        return answer.with_header("Date", formatdate(watched.world.time() + 120, usegmt=True))

    watched.between.on_answer = change
    assert "clock-skew" in await watched.lab.findings(CLINIC)


async def test_a_root_document_that_went_back_is_named_and_not_taken(watched: Watched) -> None:
    old = watched.clinic.node.identity.root_raw
    rotate = Rotate(purpose="sign", at_once=True)
    await watched.clinic.do("key.rotate", rotate, RootChanged)
    await watched.lab.node.refresher.refresh(CLINIC)
    serve_instead(watched, ROOT_TYPE, old)
    assert "root-rollback" in await watched.lab.findings(CLINIC)
    assert watched.lab.node.peers.get(CLINIC).root.version == 2


async def test_a_card_that_went_back_is_named_and_not_taken(watched: Watched) -> None:
    old = watched.clinic.node.card.raw
    watched.world.time.offset += HALF_A_DAY_S
    await watched.lab.node.refresher.refresh(CLINIC)
    held = watched.lab.node.peers.get(CLINIC).card
    serve_instead(watched, CARD_TYPE, old)
    assert "card-rollback" in await watched.lab.findings(CLINIC)
    assert watched.lab.node.peers.get(CLINIC).card == held


async def test_a_certificate_that_does_not_verify_is_named(world: World, tmp_path: Path) -> None:
    own = Certificates(tmp_path, "own")
    clinic = await world.organisation(CLINIC, url=HTTPS, setting=own.listener())
    lab = await world.organisation(LAB)
    await pair(lab, clinic)
    assert await lab.findings(CLINIC) == ["peer-tls", "no-grant"]


@pytest.mark.parametrize("url", ["http://clinic.example:{port}", "https://0x7f000001:{port}"])
async def test_an_address_that_was_not_permitted_is_named(world: World, url: str) -> None:
    clinic = await world.organisation(CLINIC, url=url)
    lab = await world.organisation(LAB)
    await pair(lab, clinic)
    assert await lab.findings(CLINIC) == ["address-refused", "no-grant"]


async def test_every_finding_names_a_cause_and_a_fix(paired: Pair) -> None:
    await paired.clinic.change("pause", LAB)
    found = await paired.lab.do("peer.test", NamedPeer(organisation=CLINIC), Diagnosis)
    assert not found.healthy
    assert all(CLINIC in each.cause and each.fix for each in found.findings)
