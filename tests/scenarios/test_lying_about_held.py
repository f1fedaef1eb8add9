"""A partner that lies about what it holds of a node: it can withhold, and stop nobody."""

from typing import Any

import pytest

import node.federation.searchless as searchless
from keys.signer import SeedSigner
from node.audit.log import AuditLog
from node.backup.errors import NotSettled
from node.federation.held import held_of
from node.federation.peer import Peer
from node.identity import Identity
from node.key_plans import immediate
from node.operations.backup import go_on_without
from node.operations.keys import Revoke, RootChanged, Rotate
from node.passphrase import Passphrase
from protocol.checkpoint import Checkpoint
from protocol.messages import Held
from protocol.root import Key, sign_root
from tests.scenarios.test_backup import after_loss, back_up, restore, two
from tests.scenarios.world import World, documents, pair

Cosigned = tuple[Checkpoint, bytes] | None

LIES: list[dict[str, Any]] = [
    {"checkpoint": None, "log_origin": "x"},
    {"checkpoint": None, "log_origin": "lab.example/interlingua-1"},
    {"card_serial": 2**53 - 1},
    {"root_version": 2**53 - 1, "root": "{}"},
]


def lie(patched: pytest.MonkeyPatch, **changes: Any) -> None:
    """Let every node tell its partners this of themselves."""
    patched.setattr(
        searchless, "held_of", lambda *given: held_of(*given).model_copy(update=changes)
    )


@pytest.mark.parametrize("claim", LIES)
async def test_a_claim_that_nothing_signed_shows_stops_no_node(
    world: World, monkeypatch: pytest.MonkeyPatch, claim: dict[str, Any]
) -> None:
    lab, _clinic = await two(world)
    assert (await lab.ask_one()).state == "ok"
    lie(monkeypatch, **claim)
    comparison = await lab.node.standing.check()
    assert comparison.behind == []
    assert "clinic.example" in comparison.ignored[0]
    assert (await lab.ask_one()).state == "ok"
    assert "claim-ignored" in await lab.findings()
    assert "node-behind" not in await lab.findings()

    await back_up(lab, world.directory / "backup")
    await lab.stop()
    again = await world.serve(await restore(world.directory / "backup", world.directory / "new"))
    assert (await again.ask_one()).state == "ok"


async def test_paused_partners_are_not_asked_daily_what_they_hold(world: World) -> None:
    lab, _clinic = await two(world)
    await lab.change("pause", "clinic.example")
    assert (await lab.node.standing.check()).partners == ()


async def test_a_decision_to_go_on_without_a_partner_holds_for_the_daily_look(
    world: World,
) -> None:
    lab, clinic = await two(world)
    await back_up(clinic, world.directory / "backup")
    assert (await lab.ask_one()).state == "ok"
    await clinic.stop()
    data = await restore(world.directory / "backup", world.directory / "new")
    go_on_without(data, ["lab.example"])  # before it was asked: nothing is shown yet
    again = await world.serve(data)
    for _ in range(2):
        assert (await again.node.standing.check()).partners == ()
        assert again.node.log.held is None
        await again.stop()
        again = await world.serve(data)
    assert "node-behind" in await again.findings()  # a person is still told


async def test_a_revoked_root_key_decides_nothing_about_the_own_identity(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, _clinic = await two(world)
    old = lab.node.identity.root.roots[0].kid
    stolen = lab.node.identity.files.open("root", old)
    assert stolen is not None
    await lab.do("key.rotate", Rotate(purpose="root"), RootChanged)
    await lab.do("key.revoke", Revoke(kid=old, reason="stolen"), RootChanged)
    first, true = lab.node.identity.history()[0], lab.node.identity.root
    thiefs = tuple(
        Key.of(immediate(SeedSigner.generate().public, purpose, world.time(), first))
        for purpose in ("card", "sign")
    )
    logs = tuple(key for key in first.keys if key.purpose == "log")
    forged = first.model_copy(
        update={
            "version": 40,
            "issued": world.time(),
            "expires": world.time() + 80 * 86_400,
            "keys": (*thiefs, *logs),
        }
    )
    await back_up(lab, world.directory / "backup")
    lie(monkeypatch, root=sign_root(forged, [stolen]).decode(), root_version=40)

    comparison = await lab.node.standing.check()
    assert comparison.behind == []
    assert "does not verify" in comparison.ignored[0]
    await lab.stop()
    data, result = await after_loss(world.directory / "backup", world.directory / "new")
    assert result.root_version == true.version + 1
    own = Identity.open(data, lab.node.settings, Passphrase(), world.time).root
    assert {key.kid for key in thiefs}.isdisjoint(own.ring.records)
    assert old in own.ring.revocations


async def test_two_documents_of_one_version_are_a_persons_matter_after_a_loss(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, clinic = await two(world)
    bank = await world.organisation("bank.example", documents("bank"))
    await pair(lab, bank)
    await back_up(lab, world.directory / "backup")
    stolen = lab.node.identity.files.open("root", lab.node.identity.root.roots[0].kid)
    assert stolen is not None
    second = lab.node.identity.next_version()
    ours = sign_root(second, [stolen]).decode()
    thiefs = second.model_copy(update={"expires": second.expires - 1})
    theirs = sign_root(thiefs, [stolen]).decode()

    def told(peer: Peer, log: AuditLog, digest: str, cosigned: Cosigned) -> Held:
        root = ours if log is clinic.node.log else theirs
        return held_of(peer, log, digest, cosigned).model_copy(
            update={"root": root, "root_version": 2}
        )

    monkeypatch.setattr(searchless, "held_of", told)
    await lab.stop()
    backup = world.directory / "backup"
    with pytest.raises(NotSettled, match=r"bank\.example and clinic\.example hold two") as refused:
        await after_loss(backup, world.directory / "new")
    assert "--without bank.example" in refused.value.fix
    _, result = await after_loss(backup, world.directory / "new", "bank.example")
    assert result.root_version == 3
