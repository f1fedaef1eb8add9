"""A partner's log has the partner's name: nobody speaks for another one's log."""

import pytest

import node.own_rooms
from node.audit.origin import stated_origin
from protocol.invitation import PairingRefused
from tests.scenarios.world import World, documents, grant, pair


async def test_nobody_pairs_under_the_name_of_another_partners_log(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = await world.organisation("lab.example", documents("lab"))
    theirs = "clinic.example/interlingua"
    monkeypatch.setattr(
        node.own_rooms,
        "stated_origin",
        lambda path, name: theirs if name == "evil.example" else stated_origin(path, name),
    )
    evil = await world.organisation("evil.example", documents("evil"))
    request = await evil.request_by_mail(lab)
    with pytest.raises(PairingRefused, match=r"no log of evil\.example") as refused:
        await lab.receive(request)
    assert refused.value.reason == "documents-invalid"
    assert lab.node.peers.all() == []


async def test_who_begins_anew_with_new_keys_is_answered_and_not_called_gone_back(
    world: World,
) -> None:
    lab = await world.organisation("lab.example", documents("lab"))
    clinic = await world.organisation("clinic.example", documents("clinic"))
    await pair(lab, clinic)
    await clinic.grant(grant("lab.example"))
    for _ in range(6):
        assert (await lab.ask_one()).state == "ok"
    await clinic.stop()
    await lab.change("revoke", "clinic.example")  # its root key was stolen

    anew = await world.organisation("clinic.example", documents("clinic"))
    await pair(lab, anew)
    await anew.grant(grant("lab.example"))

    assert (await lab.ask_one()).state == "ok"
    assert not (await anew.node.standing.check()).behind
    peer = lab.node.peers.get("clinic.example")
    seen = lab.node.log.seen(peer.organisation, peer.record.pinned, peer.log_origin)
    assert seen is not None
    assert seen.size <= anew.node.log.size()
