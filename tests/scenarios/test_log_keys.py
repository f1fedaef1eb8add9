"""Log keys are replaced, or stolen: partners go on believing the log, and only the log."""

import asyncio
import base64
from pathlib import Path

import pytest

from keys.keyfile import read_key
from keys.signer import Signer
from node.audit.log_key_rows import terms_of_file
from node.audit.receipts import check_receipt, export_receipt
from node.key_plans import ROTATING
from node.operations.audit import verify_directory, verify_file
from node.operations.registry import silent
from node.root_keeper import RootKeeper
from protocol.checkpoint import Checkpoint, sign_checkpoint
from protocol.leaf import Received
from protocol.log_errors import BeyondTerm, LogMaterialError
from protocol.log_keys import LogKeys
from protocol.merkle import leaf_hash
from protocol.note import VerifierKey
from protocol.root_changes import log_keys
from protocol.root_draft import sign_draft
from protocol.tlog_proof import TlogProof
from tests.scenarios.conftest import Pair
from tests.scenarios.test_keys import DAY_S, Load, revoked, rotated
from tests.scenarios.world import Organisation, grant


def log_key(one: Organisation) -> VerifierKey:
    return one.node.log.verifier_key


def held_keys(holder: Organisation, owner: Organisation) -> LogKeys:
    """What a partner knows of the keys of the owner's log."""
    peer = holder.node.peers.get(owner.name)
    return log_keys([peer.root], peer.log_origin)


def signer_of(one: Organisation) -> Signer:
    signer = one.node.identity.files.open("log", one.node.log.kid)
    assert signer is not None
    return signer


async def told(*both: Organisation) -> None:
    for one in both:
        await one.node.announcer.tell_all()
    for one in both:
        await one.node.announcements.close()


def receipts(asker: Organisation) -> list[bytes]:
    """The receipts of all answers that the asker has, as it would give them away."""
    leaves = enumerate(asker.all_leaves())
    indexes = [n for n, leaf in leaves if isinstance(leaf, Received) and leaf.receipt]
    return [export_receipt(asker.node.data.log_file, index) for index in indexes]


async def test_keys_of_every_purpose_are_replaced_under_load_without_one_failed_question(
    paired: Pair,
) -> None:
    both, load = (paired.lab, paired.clinic), Load(paired)
    await paired.clinic.grant(grant("lab.example", rate=1_000_000, queries_per_day=1_000_000))
    before = {one.name: log_key(one) for one in both}
    signing = {one.name: one.node.identity.signer("sign").kid for one in both}
    asking = asyncio.create_task(load.run())
    for one in both:
        for purpose in ROTATING:
            await rotated(one, purpose)
        await load.go_on()
    for _ in range(4):  # the new keys take over, then the old ones end
        await load.a_day_passes()
        await load.go_on()
    asking.cancel()
    await asyncio.wait([asking])
    assert [status.detail for status in load.statuses if status.state != "ok"] == []
    await told(*both)
    for one, other in (both, both[::-1]):
        assert log_key(one) != before[one.name]
        assert one.node.identity.signer("sign").kid != signing[one.name]
        verified = verify_directory(one.node.data.path, None, silent)
        assert verified.findings == ()
        assert verified.receipts_proved == verified.receipts == verified.receipts_named
        published = one.node.identity.root.log_terms
        assert published == terms_of_file(one.node.data.log_file)
        assert (
            held_keys(other, one).ranges
            == LogKeys.of_terms(one.node.log_origin, published, ()).ranges
        )
    # somebody who has nothing but the clinic's newest root document, or one of its keys
    third = log_keys([paired.clinic.node.identity.root], paired.clinic.node.log_origin)
    found = [check_receipt(receipt, third) for receipt in receipts(paired.lab)]
    end = paired.clinic.node.identity.root.log_terms[0].until_size
    assert end is not None
    assert min(one.size for one in found) < end < max(one.size for one in found)
    for key in (before["clinic.example"], log_key(paired.clinic)):
        copy = verify_file(paired.clinic.node.data.log_file, str(key), silent)
        assert (copy.verdict, copy.findings) == ("SELF-SIGNED", ())


async def test_a_stolen_log_key_is_followed_in_the_same_log_and_signs_nothing_new(
    paired: Pair,
) -> None:
    clinic, lab = paired.clinic, paired.lab
    assert (await lab.ask_one()).state == "ok"
    thief, origin = signer_of(clinic), clinic.node.log_origin
    kid, changed = await revoked(clinic, "log")
    assert (kid, changed.told) == (thief.kid, ("lab.example",))
    assert not clinic.node.identity.files.at_hand("log", kid)
    assert (await lab.ask_one()).state == "ok"
    assert clinic.node.log_origin == origin
    end = clinic.node.identity.root.log_terms[0].until_size
    assert end is not None
    before, *_, after = receipts(lab)
    keys = held_keys(lab, clinic)
    for receipt in (before, after):
        check_receipt(receipt, keys)
    leaf = base64.b64decode(before.partition(b"\n")[0])
    forged = sign_checkpoint(Checkpoint(origin, end + 1, leaf_hash(leaf)), thief)
    proof = TlogProof(0, (), forged).encode()
    with pytest.raises(BeyondTerm, match=kid):
        check_receipt(base64.b64encode(leaf) + b"\n" + proof, keys)
    for one in (clinic, lab):
        verified = verify_directory(one.node.data.path, None, silent)
        assert verified.findings == ()
        assert verified.receipts_proved == verified.receipts


async def test_a_log_key_takes_over_while_the_root_key_is_away(
    paired: Pair, tmp_path: Path
) -> None:
    clinic, lab = paired.clinic, paired.lab
    old = log_key(clinic)
    away = clinic.node.data.key_file("root").rename(tmp_path / "root.key")
    assert not (await rotated(clinic, "log")).published
    signed, _ = sign_draft((await clinic.node.roots.export()).payload, read_key(away, None))
    await clinic.node.roots.publish(signed)
    for _ in range(9):  # the lead is longer where the root key is elsewhere
        paired.world.time.offset += DAY_S
        for one in (lab, clinic):
            await one.node.renew()
        assert (await lab.ask_one()).state == "ok"
    assert log_key(clinic) != old
    assert clinic.node.identity.root.log_terms == ()
    draft = clinic.node.identity.draft()
    assert draft is not None
    assert draft.log_terms == terms_of_file(clinic.node.data.log_file)
    await clinic.node.renew()
    assert clinic.node.identity.draft() == draft  # it is not written again every minute
    signed, _ = sign_draft((await clinic.node.roots.export()).payload, read_key(away, None))
    assert (await clinic.node.roots.publish(signed)).document.log_terms == draft.log_terms
    await told(clinic)
    assert (await lab.ask_one()).state == "ok"
    assert held_keys(lab, clinic).ranges[old].last == draft.log_terms[0].until_size
    assert verify_directory(clinic.node.data.path, None, silent).findings == ()


@pytest.mark.parametrize("cut", ["before the key takes over", "before its bound is published"])
async def test_what_a_crash_cut_off_is_made_good_at_the_next_start(
    paired: Pair, monkeypatch: pytest.MonkeyPatch, cut: str
) -> None:
    clinic, data = paired.clinic, paired.clinic.node.data
    await rotated(clinic, "log")
    planned = clinic.node.identity.root.version
    paired.world.time.offset += 2 * DAY_S
    if cut == "before its bound is published":

        async def power_cut(_: RootKeeper) -> None:
            raise ConnectionError

        monkeypatch.setattr(RootKeeper, "_state_bounds", power_cut)
        await clinic.node.renew()
        monkeypatch.undo()
        assert clinic.node.identity.root.version == planned
        assert len(terms_of_file(data.log_file)) == 2
    await clinic.stop()
    paired.world.organisations.remove(clinic)
    again = await paired.world.serve(data)
    assert len(terms_of_file(data.log_file)) == 2
    assert again.node.identity.root.log_terms == terms_of_file(data.log_file)
    await paired.lab.node.renew()
    assert (await paired.lab.ask_one()).state == "ok"
    assert verify_directory(data.path, None, silent).findings == ()


async def test_an_answer_with_a_checkpoint_of_the_followed_key_is_refused_and_named(
    paired: Pair,
) -> None:
    clinic, lab = paired.clinic, paired.lab
    await lab.ask()
    old = signer_of(clinic)
    await rotated(clinic, "log", at_once=True)
    await told(clinic)
    end = clinic.node.identity.root.log_terms[0].until_size
    assert end is not None
    peer = lab.node.peers.get("clinic.example")
    assert peer.root.ring.usable(old.kid, "log", paired.world.time())  # in time it is still valid
    keys = held_keys(lab, clinic)
    own = clinic.node.log.receipt(0)
    forged = TlogProof(
        0, (), sign_checkpoint(Checkpoint(peer.log_origin, end + 1, leaf_hash(own.leaf)), old)
    )
    with pytest.raises(LogMaterialError, match=f"{old.kid} signs from 0 leaves to {end}"):
        check_receipt(base64.b64encode(own.leaf) + b"\n" + forged.encode(), keys)
    assert (await lab.ask_one()).state == "ok"
