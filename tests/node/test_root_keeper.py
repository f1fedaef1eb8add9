"""Own keys: published ahead of use, replaced in time, revoked at once, also with the root away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from keys.keyfile import read_key, write_key
from keys.ring import KeyRecord
from keys.signer import SeedSigner
from node.clock import system_clock
from node.doctor.identity import check_identity
from node.identity import RENEW_BEFORE_S, Identity
from node.key_plans import ROTATE_BEFORE_S, ROTATING, Rotating
from node.log_succession import KEPT_TERMS
from node.node import Node
from node.operations.errors import Conflict, NotFound
from node.passphrase import Passphrase
from node.root_keeper import RootKeeper
from protocol import dsse
from protocol.leaf import KeyChanged, decode_leaf
from protocol.limits import CLOCK_SKEW_S, ROOT_LIFETIME_S
from protocol.root import (
    ROOT_TYPE,
    RootDocument,
    RootRefused,
    accept_root,
    read_root,
    sign_root,
)
from protocol.root_changes import with_root
from protocol.root_draft import sign_draft
from tests.conftest import NewNode

if TYPE_CHECKING:
    from keys.signer import Signer
    from node.audit.log import AuditLog

DAY_S = 86_400


@dataclass
class Keeping:
    """An open node, and its clock, which can be moved."""

    node: Node
    now: int

    def leaves(self) -> list[KeyChanged]:
        log = self.node.log
        every = (decode_leaf(log.receipt(index).leaf) for index in range(log.size()))
        return [leaf for leaf in every if isinstance(leaf, KeyChanged)]

    def take_root_away(self, place: Path) -> Path:
        return self.node.data.key_file("root").rename(place / "root.key")


@pytest.fixture
async def keeping(new_node: NewNode) -> AsyncIterator[Keeping]:
    """A node that is open; the clock stands."""
    state: list[Keeping] = []
    begun = system_clock()
    async with Node.opened(
        new_node.data,
        new_node.settings,
        passphrase=Passphrase(),
        clock=lambda: state[0].now if state else begun,
        steady=lambda: state[0].now if state else begun,
    ) as node:
        state.append(Keeping(node, begun))
        yield state[0]


@pytest.mark.parametrize("purpose", ROTATING)
async def test_a_new_key_is_published_a_day_before_it_signs(
    keeping: Keeping, purpose: Rotating
) -> None:
    node, old = keeping.node, keeping.node.identity.kid(purpose)
    first = node.identity.root
    change = await node.roots.rotate(purpose)
    (new,) = change.created
    accept_root(node.identity.root_raw, None, first, keeping.now)
    assert node.identity.kid(purpose) == node.identity.signer(purpose).kid == old
    keeping.now += DAY_S + CLOCK_SKEW_S - 1
    assert node.identity.kid(purpose) == old
    keeping.now += 1
    assert node.identity.kid(purpose) == node.identity.signer(purpose).kid == new
    keeping.now += node.settings.keys.overlap_s
    assert [key.kid for key in node.identity.root.ring.all_usable(purpose, keeping.now)] == [new]


async def test_every_version_proves_that_its_witness_keys_are_held(
    keeping: Keeping, tmp_path: Path
) -> None:
    node, identity = keeping.node, keeping.node.identity

    def unproved() -> set[str]:
        published = read_root(identity.root_raw)[0]
        assert published.held == identity.root.held
        return {k.kid for k in published.keys if k.purpose == "witness"} - published.held

    assert not unproved()
    (new,) = (await node.roots.rotate("witness")).created
    assert new in identity.root.held
    assert not unproved()
    place = keeping.take_root_away(tmp_path)
    draft = (await node.roots.rotate("witness")).document  # the root key signs it elsewhere
    signed, _ = sign_draft(draft.payload, read_key(place, None))
    assert not read_root(signed)[0].held
    await node.roots.publish(signed)
    assert (identity.root.version, unproved()) == (3, set())
    plain = dsse.sign(identity.root.payload, ROOT_TYPE, [read_key(place, None)])
    node.data.root_file(3).write_bytes(plain)  # as a former release would have left it
    again = Identity.open(node.data, node.settings, Passphrase(), node.clock)
    assert not again.root.held
    again.prove_held()
    assert again.root_raw == identity.root_raw == node.data.root_file(3).read_bytes()


async def test_a_witness_key_that_cannot_be_used_keeps_no_version_back(keeping: Keeping) -> None:
    node = keeping.node
    for path in node.data.keys.glob("witness*.key"):
        path.unlink()
    again = Identity.open(node.data, node.settings, Passphrase(), node.clock)
    assert again.renew_root().version == 2
    assert not again.root.held


async def test_a_root_key_that_does_not_open_keeps_no_card_from_being_renewed(
    keeping: Keeping,
) -> None:
    node = keeping.node
    path = node.data.key_file("root")
    signer = read_key(path, None)
    path.unlink()
    write_key(path, signer, "root", b"a passphrase that the node does not have")
    keeping.now += ROOT_LIFETIME_S - RENEW_BEFORE_S + 1
    with capture_logs() as lines:
        await node.renew()
    assert "root document not renewed" in [line["event"] for line in lines]
    assert node.card.expires > keeping.now
    assert node.identity.root.version == 1


async def test_the_file_of_a_key_that_has_ended_is_deleted(keeping: Keeping) -> None:
    node, old = keeping.node, keeping.node.identity.kid("sign")
    await node.roots.rotate("sign")
    keeping.now += 4 * DAY_S
    assert node.identity.files.at_hand("sign", old)
    await node.roots.rotate("card")
    assert not node.identity.files.at_hand("sign", old)
    assert node.data.key_file("root").exists()


async def test_each_step_of_a_key_is_in_the_log(keeping: Keeping) -> None:
    node, old = keeping.node, keeping.node.identity.kid("sign")
    (new,) = (await node.roots.rotate("sign")).created
    keeping.now += 4 * DAY_S
    await node.roots.revoke(new, "stolen")
    steps = [(leaf.event, leaf.key) for leaf in keeping.leaves() if leaf.use == "sign"]
    newest = node.identity.kid("sign")
    assert steps == [
        ("created", new),
        ("published", new),
        ("created", newest),
        ("published", newest),
        ("retired", old),
        ("revoked", new),
    ]
    documents = [leaf.document for leaf in keeping.leaves() if leaf.use == "root"]
    assert documents[-1] == node.identity.root.digest


async def test_nothing_is_done_while_nothing_is_due(keeping: Keeping) -> None:
    await keeping.node.renew()
    assert keeping.node.identity.root.version == 1


async def test_keys_that_end_soon_are_replaced_by_the_node_itself_once(keeping: Keeping) -> None:
    node = keeping.node
    ends = min(key.not_after for key in node.identity.root.keys if key.purpose == "sign")
    keeping.now = ends - ROTATE_BEFORE_S
    node.identity.renew_root()
    await node.renew()
    before = node.identity.root.version
    assert not [p for p in ROTATING if len(named(node.identity.root, p)) != 1]
    keeping.now += 1
    await node.renew()
    await node.renew()
    assert node.identity.root.version == before + 1
    assert not [p for p in ROTATING if len(named(node.identity.root, p)) != 2]


def named(root: RootDocument, purpose: str) -> list[str]:
    return [key.kid for key in root.keys if key.purpose == purpose]


@pytest.mark.parametrize("purpose", ROTATING)
async def test_a_revoked_key_has_a_successor_at_once_and_its_file_is_gone(
    keeping: Keeping, purpose: Rotating
) -> None:
    node, stolen = keeping.node, keeping.node.identity.kid(purpose)
    change = await node.roots.revoke(stolen, "the laptop was stolen")
    assert node.identity.kid(purpose) == change.created[0] != stolen
    assert stolen in node.identity.root.ring.revocations
    assert not node.identity.files.at_hand(purpose, stolen)
    assert node.identity.root.revocations[0].reason == "the laptop was stolen"


async def test_a_revoked_key_that_does_not_sign_needs_no_successor(keeping: Keeping) -> None:
    node = keeping.node
    (planned,) = (await node.roots.rotate("sign")).created
    old = node.identity.kid("sign")
    change = await node.roots.revoke(planned, "made on the wrong machine")
    assert change.created == ()
    assert node.identity.kid("sign") == old


async def test_a_retired_key_can_still_be_revoked(keeping: Keeping) -> None:
    node, old = keeping.node, keeping.node.identity.kid("card")
    await node.roots.rotate("card")
    keeping.now += 5 * DAY_S
    node.identity.renew_root()
    assert old not in node.identity.root.ring.records
    await node.roots.revoke(old, "found in a backup that was lost")
    assert old in node.identity.root.ring.revocations
    assert (keeping.leaves()[-2].event, keeping.leaves()[-2].key) == ("revoked", old)
    assert keeping.leaves()[-2].use == "card"


async def test_what_cannot_be_revoked_is_said(keeping: Keeping) -> None:
    with pytest.raises(NotFound, match="No version"):
        await keeping.node.roots.revoke("a" * 43, "a typing error")
    with pytest.raises(Conflict, match="root key in force"):
        await keeping.node.roots.revoke(keeping.node.identity.root.roots[0].kid, "stolen")


async def test_the_root_key_is_replaced_and_then_revoked(keeping: Keeping) -> None:
    node, first = keeping.node, keeping.node.identity.root
    change = await node.roots.rotate_root(None)
    second = accept_root(node.identity.root_raw, None, first, keeping.now)
    assert [key.kid for key in second.roots] == list(change.created)
    assert node.identity.has_root_key
    await node.roots.revoke(first.roots[0].kid, "kept on a shared disk")
    assert [leaf.use for leaf in keeping.leaves() if leaf.event == "revoked"] == ["root"]
    assert accept_root(node.identity.root_raw, None, second, keeping.now).version == 3


async def test_a_change_waits_for_an_offline_root_key(keeping: Keeping, tmp_path: Path) -> None:
    node, first = keeping.node, keeping.node.identity.root
    away = keeping.take_root_away(tmp_path)
    rotated = await node.roots.rotate("sign")
    revoked = await node.roots.revoke(node.identity.kid("card"), "stolen")
    assert not rotated.published
    assert (revoked.document.version, node.identity.root.version) == (2, 1)
    keeping.now += 7 * DAY_S
    draft = await node.roots.export()
    signed, _ = sign_draft(draft.payload + b"\n", read_key(away, None, purpose="root"))
    await node.roots.publish(signed)
    published = accept_root(node.identity.root_raw, None, first, keeping.now)
    assert {*rotated.created, *revoked.created} <= set(published.ring.records)
    planned = published.ring.records[rotated.created[0]]
    assert planned.not_before == keeping.now + node.settings.keys.offline_lead_s
    assert node.identity.kid("card") == revoked.created[0]
    assert node.identity.draft() is None


async def test_a_revocation_made_after_the_export_outlives_the_import(
    keeping: Keeping, tmp_path: Path
) -> None:
    node, stolen = keeping.node, keeping.node.identity.kid("sign")
    away = read_key(keeping.take_root_away(tmp_path), None)
    rotated = await node.roots.rotate("sign")
    exported = await node.roots.export()
    keeping.now += 60
    revoked = await node.roots.revoke(stolen, "stolen")
    second = (await node.roots.publish(sign_draft(exported.payload, away)[0])).document
    assert second.payload == exported.payload
    again = Identity.open(node.data, node.settings, Passphrase(), node.clock)
    for identity in (node.identity, again):
        waiting = identity.draft()
        assert waiting is not None
        assert (waiting.version, [entry.kid for entry in waiting.revocations]) == (3, [stolen])
    keeping.now += 60
    draft = await node.roots.export()
    await node.roots.publish(sign_draft(draft.payload, away)[0])
    third = accept_root(node.identity.root_raw, None, second, keeping.now)
    assert stolen in third.ring.revocations
    assert {*rotated.created, *revoked.created} <= set(third.ring.records)
    assert node.identity.kid("sign") == revoked.created[0]
    assert node.identity.draft() is None
    assert not node.data.draft_file.exists()
    assert not node.identity.files.at_hand("sign", stolen)


async def test_a_document_whose_root_key_the_draft_revokes_is_refused(keeping: Keeping) -> None:
    node, first = keeping.node, keeping.node.identity.root.roots[0].kid
    old = read_key(node.data.key_file("root"), None)
    await node.roots.rotate_root(None)
    (new,) = node.identity.root.roots
    new_signer = node.identity.files.open("root", new.kid)
    assert isinstance(new_signer, SeedSigner)
    back = with_root(node.identity.next_version(), immediate_root(old, keeping.now))
    for kid in (first, new.kid):
        node.identity.files.remove("root", kid)
    await node.roots.revoke(first, "kept on a shared disk")
    with pytest.raises(RootRefused, match="the draft here revokes"):
        await node.roots.publish(sign_root(back, [old, new_signer]))
    assert node.identity.root.version == 2


def immediate_root(signer: Signer, at: int) -> KeyRecord:
    return KeyRecord.of(signer.public, "root", at - DAY_S, at + 365 * DAY_S)


async def test_an_export_without_changes_is_a_renewal(keeping: Keeping, tmp_path: Path) -> None:
    node, first = keeping.node, keeping.node.identity.root
    away = read_key(keeping.take_root_away(tmp_path), None)
    keeping.now += ROOT_LIFETIME_S - RENEW_BEFORE_S
    signed, _ = sign_draft((await node.roots.export()).payload, away)
    await node.roots.publish(signed)
    assert node.identity.root.keys == first.keys
    assert node.identity.root.expires == keeping.now + ROOT_LIFETIME_S


async def test_a_root_key_that_was_made_elsewhere_replaces_one_that_is_elsewhere(
    keeping: Keeping, tmp_path: Path
) -> None:
    node, new = keeping.node, SeedSigner.generate()
    old = read_key(keeping.take_root_away(tmp_path), None)
    change = await node.roots.rotate_root(new.public)
    assert (change.published, change.created) == (False, ())
    half, _ = sign_draft(change.document.payload, old)
    with pytest.raises(RootRefused):
        await node.roots.publish(half)
    whole, count = sign_draft(half, new)
    assert count == 2
    await node.roots.publish(whole)
    assert [key.kid for key in node.identity.root.roots] == [new.kid]
    assert not node.identity.has_root_key


async def test_what_nobody_signed_is_not_published(keeping: Keeping, tmp_path: Path) -> None:
    keeping.take_root_away(tmp_path)
    draft = await keeping.node.roots.export()
    signed, _ = sign_draft(draft.payload, SeedSigner.generate())
    with pytest.raises(RootRefused):
        await keeping.node.roots.publish(signed)
    assert keeping.node.identity.root.version == 1
    assert ROOT_TYPE.encode() in signed


async def test_a_leaf_that_a_crash_cut_off_is_written_at_the_next_start(keeping: Keeping) -> None:
    assert keeping.node.log.size() == 0
    keeping.node.identity.renew_root()
    for _ in range(2):
        await keeping.node.roots.log_missing()
    assert [leaf.document for leaf in keeping.leaves()] == [keeping.node.identity.root.digest]


class PowerCut(BaseException):
    """The end of a process between two leaves."""


def that_ends_after(leaves: int, node: Node) -> RootKeeper:
    """A keeper of the node's keys whose process ends when it has appended so many leaves."""
    left = iter(range(leaves))

    def log() -> AuditLog:
        if next(left, None) is None:
            raise PowerCut
        return node.log

    settings, clock, watch = node.settings.keys, node.clock, node.clock_watch
    return RootKeeper(node.identity, settings, log, node.data.log_file, clock, watch, lambda: None)


@pytest.mark.parametrize("leaves", range(1, 5))
async def test_a_revocation_that_a_crash_cut_off_is_made_good_at_the_next_start(
    keeping: Keeping, leaves: int
) -> None:
    node, stolen = keeping.node, keeping.node.identity.kid("sign")
    if leaves < 4:
        with pytest.raises(PowerCut):
            await that_ends_after(leaves, node).revoke(stolen, "stolen")
        assert node.identity.files.at_hand("sign", stolen)
    else:
        await that_ends_after(leaves, node).revoke(stolen, "stolen")
    new = node.identity.kid("sign")
    for _ in range(2):
        await node.roots.log_missing()
    assert sorted((leaf.event, leaf.key) for leaf in keeping.leaves()) == sorted(
        [
            ("created", new),
            ("published", new),
            ("revoked", stolen),
            ("published", node.identity.root.roots[0].kid),
        ]
    )
    assert keeping.leaves()[-1].use == "root"
    assert not node.identity.files.at_hand("sign", stolen)


async def test_log_keys_whose_bounds_could_not_be_stated_are_refused_in_time(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = keeping.node

    def codes() -> list[str]:
        return [each.code for each in check_identity(node)]

    assert "log-keys-used-up" not in codes()
    monkeypatch.setattr("node.log_succession.MAX_LOG_TERMS", KEPT_TERMS + 2)
    await node.roots.rotate("log", at_once=True)
    assert "log-keys-used-up" in codes()
    with pytest.raises(Conflict) as refused:
        await node.roots.rotate("log", at_once=True)
    assert refused.value.code == "log-keys-used-up"
    # a key that is not to be trusted any more is withdrawn all the same
    assert (await node.roots.revoke(node.identity.kid("log"), "stolen")).published
    monkeypatch.setattr("node.log_succession.MAX_LOG_TERMS", 2)
    assert [each for each in check_identity(node) if "cannot be stated" in each.cause] != []
