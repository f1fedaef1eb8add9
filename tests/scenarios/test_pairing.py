"""Two organisations come to trust each other by an invitation, a request and six words."""

import json
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from node.audit.entry import Entry, Receipt
from node.audit.errors import LogUnavailable
from node.federation.errors import (
    OwnInvitation,
    PairingFailed,
    PeerExists,
    PeerNotActive,
    WordsDiffer,
)
from node.operations.pairing import InvitationInfo, InvitationList, NamedInvitation
from node.operations.registry import NoRequest
from protocol.invitation import PairingRefused, read_invitation
from protocol.leaf import PeerChanged
from protocol.pairing import PAIRING_PATH, RECEIVED
from tests.scenarios.world import Organisation, World, documents, grant, pair, quick_words

DAY_S = 86_400


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with quick_words():
        yield


async def two(world: World) -> tuple[Organisation, Organisation]:
    """A lab, and a clinic whose documents the lab may ask once they are partners."""
    lab = await world.organisation("lab.example")
    clinic = await world.organisation("clinic.example", documents("clinic"))
    await clinic.grant(grant("lab.example"))
    return lab, clinic


def words_of(one: Organisation, other: str) -> str:
    """The words that a node shows its admin for a partner."""
    return str(one.node.peers.get(other).record.words)


def states(one: Organisation) -> list[str]:
    return [leaf.state for leaf in one.leaves(PeerChanged)]


async def outcomes(one: Organisation) -> list[tuple[str, str | None]]:
    """State and outcome of every invitation, the newest first."""
    listed = await one.do("pairing.invitations", NoRequest(), InvitationList)
    return [(each.state, each.outcome) for each in listed.invitations]


async def post(to: Organisation, request: str) -> tuple[int, bytes]:
    """Send a request as a stranger does."""
    async with aiohttp.ClientSession() as session:
        sent = session.post(
            to.url + PAIRING_PATH,
            data=request.encode(),
            headers={"Content-Type": "application/json"},
        )
        async with sent as answer:
            return answer.status, await answer.read()


async def test_both_sides_see_the_same_six_words_and_nothing_works_before_both_approved(
    world: World,
) -> None:
    lab, clinic = await two(world)
    invited = await clinic.invite(organisation="lab.example")
    asked = await lab.request(invited.text)
    assert len((asked.words or "").split()) == 6
    assert words_of(clinic, "lab.example") == asked.words
    assert (await lab.ask_one(peers=["clinic.example"])).state == "not-active"

    await lab.approve("clinic.example", words_of(clinic, "lab.example"))
    status = await lab.ask_one(collections=["clinic.example/docs"])
    assert (status.state, status.code) == ("unverifiable", "unsigned")
    assert (await clinic.ask_one(peers=["lab.example"])).state == "not-active"

    await clinic.approve("lab.example", asked.words)
    assert (await lab.ask_one()).state == "ok"
    assert states(lab) == states(clinic) == ["pending", "active"]
    assert await outcomes(clinic) == [("used", "received")]


async def test_files_by_mail_are_enough_although_they_travel_for_days(world: World) -> None:
    lab = await world.organisation("lab.example", url="http://127.0.0.1:9")  # nobody is there
    clinic = await world.organisation("clinic.example", documents("clinic"))
    invited = await lab.invite()
    world.time.offset += 2 * DAY_S  # the card in the file has expired
    asked = await clinic.request(invited.file, send=False)
    world.time.offset += DAY_S - 60
    received = await lab.receive(asked.request)
    assert received.words == asked.words
    await lab.approve("clinic.example", asked.words)
    await clinic.approve("lab.example", received.words)
    await clinic.grant(grant("lab.example"))
    assert (await lab.ask_one()).state == "ok"  # a new card was fetched


async def test_a_node_that_only_asks_is_paired_over_its_own_way_out(world: World) -> None:
    lab = await world.organisation("lab.example", asks_only=True)
    clinic = await world.organisation("clinic.example", documents("clinic"))
    await clinic.grant(grant("lab.example"))
    asked = await lab.request((await clinic.invite(organisation="lab.example")).text)
    await clinic.approve("lab.example", asked.words)
    await lab.approve("clinic.example", words_of(clinic, "lab.example"))
    assert (await lab.ask_one()).state == "ok"
    assert await clinic.findings("lab.example") == []


async def test_a_node_that_only_asks_invites_by_file(world: World) -> None:
    lab = await world.organisation("lab.example", asks_only=True)
    clinic = await world.organisation("clinic.example", documents("clinic"))
    invited = await lab.invite()
    with pytest.raises(PairingFailed, match="only asks"):
        await clinic.request(invited.text)
    with pytest.raises(PairingFailed, match="only asks"):
        await clinic.request(invited.file)
    asked = await clinic.request(invited.file, send=False)
    assert (await lab.receive(asked.request)).words == asked.words


async def test_each_direction_has_its_own_grants(world: World) -> None:
    lab, clinic = await two(world)
    await pair(lab, clinic)
    assert (await lab.ask_one()).state == "ok"
    denied = await clinic.ask_one(peers=["lab.example"])
    assert (denied.state, denied.code) == ("denied", "not-offered")


async def test_whoever_stands_between_the_two_cannot_make_the_words_agree(world: World) -> None:
    lab, clinic = await two(world)
    false_clinic = await world.organisation("clinic.example")
    false_lab = await world.organisation("lab.example")
    invited = await clinic.invite(organisation="lab.example")
    await false_lab.request(invited.text)
    replaced = await false_clinic.invite(organisation="lab.example")
    await lab.request(replaced.text)

    at_lab, at_clinic = words_of(lab, "clinic.example"), words_of(clinic, "lab.example")
    assert at_lab != at_clinic
    with pytest.raises(WordsDiffer):
        await lab.approve("clinic.example", at_clinic)
    with pytest.raises(WordsDiffer):
        await clinic.approve("lab.example", at_lab)
    assert (await lab.ask_one(peers=["clinic.example"])).state == "not-active"

    for one, other in ((lab, "clinic.example"), (clinic, "lab.example")):
        await one.change("remove", other)
    await pair(lab, clinic)
    assert (await lab.ask_one()).state == "ok"


async def test_no_words_and_a_part_of_the_words_approve_nothing(world: World) -> None:
    lab, clinic = await two(world)
    asked = await lab.request((await clinic.invite()).text)
    for wrong in ("", " ".join(words_of(clinic, "lab.example").split()[:5])):
        with pytest.raises(WordsDiffer):
            await lab.approve("clinic.example", wrong)
    with pytest.raises(PeerNotActive):
        await lab.change("resume", "clinic.example")
    short = " ".join(word[:4].upper() for word in str(asked.words).split())
    assert (await lab.approve("clinic.example", short)).state == "active"


async def test_an_expired_invitation_is_refused_on_both_sides(world: World) -> None:
    lab, clinic = await two(world)
    invited = await clinic.invite(valid_s=3600)
    asked = await lab.request(invited.file, send=False)
    world.time.offset += 3600
    with pytest.raises(PairingRefused) as late:
        await clinic.receive(asked.request)
    assert late.value.reason == "invitation-expired"
    await lab.change("remove", "clinic.example")
    with pytest.raises(PairingRefused) as later:
        await lab.request(invited.file, send=False)  # nobody else is asked
    assert later.value.reason == "invitation-expired"
    assert clinic.node.peers.all() == []


async def test_an_invitation_is_good_once(world: World) -> None:
    lab, clinic = await two(world)
    rival = await world.organisation("rival.example")
    invited = await clinic.invite()
    asked = await lab.request(invited.text)
    with pytest.raises(PairingRefused) as used:
        await rival.request(invited.text)
    assert used.value.reason == "invitation-used"
    assert "lab.example" not in str(used.value)
    assert rival.node.peers.all() == []
    assert [peer.organisation for peer in clinic.node.peers.all()] == ["lab.example"]
    assert words_of(clinic, "lab.example") == asked.words


async def test_an_invitation_is_used_up_although_nothing_came_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, clinic = await two(world)
    request = await lab.request_by_mail(clinic)

    async def fail(_: Entry) -> Receipt:
        raise LogUnavailable("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(clinic.node.log, "append", fail)
        with pytest.raises(LogUnavailable):
            await clinic.receive(request)
    assert clinic.node.peers.all() == []
    assert await outcomes(clinic) == [("used", "failed")]
    with pytest.raises(PairingRefused) as again:
        await clinic.receive(request)
    assert again.value.reason == "invitation-used"


async def test_an_invitation_for_one_is_not_for_another(world: World) -> None:
    _, clinic = await two(world)
    rival = await world.organisation("rival.example")
    with pytest.raises(PairingRefused) as other:
        await rival.request((await clinic.invite(organisation="lab.example")).text)
    assert other.value.reason == "invitation-for-another"
    assert "lab.example" not in str(other.value)
    assert await outcomes(clinic) == [("open", None)]


async def test_a_request_in_the_own_name_of_the_inviter_is_refused(world: World) -> None:
    lab, _ = await two(world)
    impostor = await world.organisation("lab.example")
    invitation = read_invitation((await lab.invite()).file).invitation
    _, raw = impostor.node.pairing._written(invitation)
    with pytest.raises(PairingRefused) as own:
        await lab.receive(raw.decode())
    assert own.value.reason == "invitation-for-another"
    assert lab.node.peers.all() == []


@pytest.mark.parametrize(
    ("own_url", "permitted", "reach"),
    [
        ("https://clinic.example", False, "public"),
        ("https://clinic.example", True, "loopback"),
        (None, False, "public"),
        ("http://127.0.0.1:{port}", False, "loopback"),
    ],
)
async def test_whoever_answers_an_invitation_names_loopback_only_where_that_is_meant(
    world: World, own_url: str | None, permitted: bool, reach: str
) -> None:
    clinic = await world.organisation("clinic.example", url=own_url, asks_only=own_url is None)
    lab = await world.organisation("lab.example", url="http://127.0.0.1:9100")
    invited = await clinic.invite(allow_private=permitted)
    asked = await lab.request(invited.file, send=False, allow_private=True)
    assert (await clinic.receive(asked.request)).url == "http://127.0.0.1:9100"
    assert clinic.node.peers.get("lab.example").record.reach == reach


async def test_a_withdrawn_invitation_is_unknown(world: World) -> None:
    lab, clinic = await two(world)
    invited = await clinic.invite()
    await clinic.do("pairing.uninvite", NamedInvitation(id=invited.id), InvitationInfo)
    with pytest.raises(PairingRefused) as refused:
        await lab.request(invited.text)
    assert refused.value.reason == "invitation-unknown"


async def test_the_same_request_again_is_answered_as_before_and_brings_nobody_back(
    world: World,
) -> None:
    lab, clinic = await two(world)
    asked = await lab.request((await clinic.invite()).file, send=False)
    assert await post(clinic, asked.request) == (202, RECEIVED)
    await clinic.change("remove", "lab.example")
    assert await post(clinic, asked.request) == (202, RECEIVED)
    assert clinic.node.peers.all() == []
    assert states(clinic) == ["pending", "revoked"]


async def test_of_two_nodes_with_one_name_the_second_is_refused_and_only_the_admin_is_told(
    world: World,
) -> None:
    lab, clinic = await two(world)
    await pair(clinic, lab)
    second = await world.organisation("lab.example")
    await second.request((await clinic.invite()).text)  # it is told nothing
    assert sorted(await outcomes(clinic)) == [("used", "name-taken"), ("used", "received")]
    assert (await lab.ask_one()).state == "ok"
    status = await second.ask_one(peers=["clinic.example"])
    assert status.state == "not-active"
    assert "name-claimed" in await clinic.findings()

    await second.change("remove", "clinic.example")
    third = await second.request_by_mail(clinic)
    with pytest.raises(PeerExists):
        await clinic.receive(third)
    with pytest.raises(PeerExists):
        await clinic.invite(organisation="lab.example")


async def test_a_partner_that_was_removed_comes_back_by_a_person_only(world: World) -> None:
    lab, clinic = await two(world)
    await pair(clinic, lab)
    assert (await lab.ask_one()).state == "ok"
    await clinic.change("remove", "lab.example")
    status = await lab.ask_one(collections=["clinic.example/docs"])
    assert (status.state, status.code) == ("unverifiable", "unsigned")
    await lab.node.refresher.refresh("clinic.example")
    assert clinic.node.peers.all() == []
    assert await lab.findings("clinic.example") == ["not-recognised", "no-grant"]

    with pytest.raises(PeerExists):
        await lab.request((await clinic.invite()).text)
    await lab.change("revoke", "clinic.example")
    await pair(clinic, lab)
    assert (await lab.ask_one()).state == "ok"
    assert states(lab) == ["pending", "active", "revoked", "pending", "active"]


async def test_pairing_survives_a_restart_of_both(world: World) -> None:
    lab, clinic = await two(world)
    invited = await clinic.invite()
    await clinic.stop()
    clinic = await world.serve(clinic.node.data)
    asked = await lab.request(invited.text)
    for one in (lab, clinic):
        await one.stop()
    lab, clinic = await world.serve(lab.node.data), await world.serve(clinic.node.data)
    await clinic.approve("lab.example", asked.words)
    await lab.approve("clinic.example", words_of(clinic, "lab.example"))
    assert (await lab.ask_one()).state == "ok"


async def test_nobody_pairs_with_itself(world: World) -> None:
    lab, _ = await two(world)
    with pytest.raises(OwnInvitation):
        await lab.request((await lab.invite()).text)
    with pytest.raises(OwnInvitation):
        await lab.invite(organisation="lab.example")


async def test_the_file_of_invitations_does_not_let_its_reader_answer_one(world: World) -> None:
    lab, _ = await two(world)
    invited = await lab.invite()
    kept = lab.node.data.invitations_file.read_text()
    assert read_invitation(invited.text).invitation.nonce not in kept
    assert invited.id in kept


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"root": "{}"}, 422, "documents-invalid"),
        ({"card": "{}"}, 422, "documents-invalid"),
        ({"request": "{}"}, 400, "request-invalid"),
        ({"type": "interlingua-pairing-request-v2"}, 400, "request-invalid"),
        ({"more": "x"}, 400, "request-invalid"),
        ({"root": "the-clinics"}, 422, "documents-invalid"),
    ],
)
async def test_a_request_that_was_changed_is_refused_and_leaves_the_invitation_open(
    world: World, change: dict[str, Any], status: int, reason: str
) -> None:
    lab, clinic = await two(world)
    asked = await lab.request((await clinic.invite()).file, send=False)
    if change.get("root") == "the-clinics":
        change = {"root": clinic.node.identity.root_raw.decode()}
    answered, body = await post(clinic, json.dumps({**json.loads(asked.request), **change}))
    assert (answered, json.loads(body)["code"]) == (status, reason)
    assert await outcomes(clinic) == [("open", None)]
    assert await post(clinic, asked.request) == (202, RECEIVED)
