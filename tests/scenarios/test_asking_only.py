"""An organisation without an inbound port: it asks, and brings its documents itself."""

import pytest

from node.federation.ask import SiloState
from node.operations.keys import KeyList, Revoke, RootChanged, Rotate
from node.operations.registry import NoRequest
from protocol.leaf import Answered, PeerChanged
from tests.scenarios.conftest import Pair
from tests.scenarios.world import World, documents, grant, pair

DAY_S = 86_400


@pytest.fixture
async def asking(world: World) -> Pair:
    """A lab that nobody can reach may ask the clinic."""
    lab = await world.organisation("lab.example", asks_only=True)
    clinic = await world.organisation("clinic.example", documents("clinic"))
    await pair(clinic, lab)
    await clinic.grant(grant("lab.example"))
    return Pair(world, lab, clinic)


async def state(asking: Pair) -> SiloState:
    return (await asking.lab.ask_one()).state


async def test_it_asks_and_its_documents_name_no_address(asking: Pair) -> None:
    assert await state(asking) == "ok"
    root, (card, _) = asking.lab.node.identity.root, asking.lab.node.card.current()
    assert (root.url, root.authorities, card.url) == (None, (), None)


async def test_it_replaces_its_key_and_asks_on(asking: Pair) -> None:
    assert await state(asking) == "ok"
    changed = await asking.lab.do("key.rotate", Rotate(purpose="sign"), RootChanged)
    assert changed.told == ("clinic.example",)
    before = asking.lab.node.identity.kid("sign")
    asking.world.time.offset += DAY_S + 60
    for one in (asking.lab, asking.clinic):
        await one.node.renew()
    assert await state(asking) == "ok"
    keys = [leaf.key for leaf in asking.clinic.leaves(Answered)]
    assert keys[0] == before != keys[-1]


async def test_what_was_not_announced_is_brought_before_the_question(asking: Pair) -> None:
    asking.lab.node.identity.renew_root()
    asking.world.time.offset += DAY_S
    await asking.clinic.node.renew()
    assert await state(asking) == "ok"
    assert asking.clinic.node.peers.get("lab.example").root.version == 2
    assert asking.clinic.leaves(PeerChanged)[-1].root_version == 2


async def test_a_partner_that_lost_its_announcement_is_told_again(asking: Pair) -> None:
    """The clinic does not know the key that the lab's memory says it was told of."""
    assert await state(asking) == "ok"
    asked = Rotate(purpose="sign", at_once=True)
    clinic = asking.clinic
    file = clinic.node.data.peers / "lab.example.json"
    held = file.read_bytes()
    await asking.lab.do("key.rotate", asked, RootChanged)
    await clinic.stop()
    file.write_bytes(held)
    asking.world.organisations.remove(clinic)
    await asking.world.serve(clinic.node.data)
    assert await state(asking) == "ok"


async def test_its_stolen_key_is_revoked_like_any_other(asking: Pair) -> None:
    stolen = asking.lab.node.identity.signer("sign")
    listed = await asking.lab.do("key.list", NoRequest(), KeyList)
    assert stolen.kid in {key.kid for key in listed.keys}
    revoke = Revoke(kid=stolen.kid, reason="stolen")
    await asking.lab.do("key.revoke", revoke, RootChanged)
    assert stolen.kid in asking.clinic.node.peers.get("lab.example").root.ring.revocations
    assert await state(asking) == "ok"


async def test_it_is_revoked_and_is_a_stranger_again(asking: Pair) -> None:
    assert await state(asking) == "ok"
    await asking.clinic.change("revoke", "lab.example")
    assert await state(asking) == "unverifiable"


async def test_nobody_asks_it_or_looks_for_its_documents(asking: Pair) -> None:
    status = await asking.clinic.ask_one(peers=["lab.example"])
    assert status.state == "unreachable"
    assert "only asks" in (status.detail or "")
    await asking.clinic.node.refresher.refresh_all()
    assert asking.clinic.node.peers.get("lab.example").state == "active"


async def test_a_question_to_all_partners_leaves_it_out(asking: Pair) -> None:
    result = await asking.clinic.ask(own=True)
    assert [silo.organisation for silo in result.silos] == ["clinic.example"]
