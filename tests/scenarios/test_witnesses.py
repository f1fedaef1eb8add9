"""Partners cosign each other's logs, and a log that forks is caught."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import aiohttp
import pytest

from keys.words import fingerprint
from node.audit.cosigned_rows import CosignedCheckpoint
from node.audit.receipts import check_receipt, export_receipt
from node.backup.errors import NotSettled
from node.data_directory import DataDirectory
from node.operations.audit import verify_directory, verify_file
from node.operations.audit_fork import verify_fork
from node.operations.audit_witness import Witnesses
from node.operations.registry import NoRequest, silent
from node.witness.forks import Forks
from node.witness.record import WitnessRecord
from node.witness.suspicions import ATTEMPTS
from protocol.add_checkpoint import ADD_CHECKPOINT_PATH, SIZE_TYPE, AddCheckpoint
from protocol.answer_body import write_body
from protocol.checkpoint import Checkpoint, sign_checkpoint
from protocol.leaf import Received
from protocol.limits import MAX_HELD_NOTE_CHARS
from protocol.merkle import EMPTY_ROOT, leaf_hash
from protocol.note import NoteSignature
from protocol.witness_policy import WitnessPolicy, witnesses_of
from tests.node.audit.entries import event
from tests.scenarios.conftest import Pair
from tests.scenarios.ports import free_port
from tests.scenarios.test_keys import rotated
from tests.scenarios.test_log_keys import held_keys, signer_of, told
from tests.scenarios.world import Organisation, World, documents, grant, pair

Three = tuple[Organisation, Organisation, Organisation]


@pytest.fixture
async def three(world: World) -> Three:
    """A lab that asks, a clinic that answers, and a bank; each two are partners."""
    lab = await world.organisation("lab.example")
    clinic = await world.organisation("clinic.example", documents("clinic"))
    bank = await world.organisation("bank.example")
    for one, other in ((lab, clinic), (clinic, bank), (bank, lab)):
        await pair(one, other)
    await clinic.grant(grant("lab.example"))
    return lab, clinic, bank


def unknown_line(number: int) -> bytes:
    """A signature line of a key that nobody knows, as anybody may add to a note."""
    return NoteSignature(f"stranger.example/{number}", bytes(4), bytes(768)).line().encode()


async def test_a_partner_that_pads_its_receipts_fills_nobodys_disk(
    paired: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, lines = paired.lab, b"".join(unknown_line(n) for n in range(50))

    def padded(payload: bytes, leaf: bytes, proof: bytes) -> bytes:
        return write_body(payload, leaf, proof + lines)

    monkeypatch.setattr("node.federation.replies.write_body", padded)
    assert (await lab.ask_one()).state == "ok"
    index = max(n for n, leaf in enumerate(lab.all_leaves()) if isinstance(leaf, Received))
    kept = export_receipt(lab.node.data.log_file, index)
    assert len(lines) > 50_000 > 2 * MAX_HELD_NOTE_CHARS > len(kept)
    check_receipt(kept, held_keys(lab, paired.clinic))
    verified = verify_directory(lab.node.data.path, None, silent)
    assert (verified.findings, verified.receipts_proved) == ((), 2)
    peer = lab.node.peers.get("clinic.example")
    seen = lab.node.log.seen("clinic.example", peer.record.pinned, peer.log_origin)
    assert seen is not None
    assert len(seen.note) <= MAX_HELD_NOTE_CHARS
    assert seen.size == paired.clinic.node.log.size()


async def asked(lab: Organisation) -> int:
    """Let the lab ask the clinic; returns the index of its `received` leaf."""
    assert (await lab.ask_one(peers=["clinic.example"])).state == "ok"
    return max(n for n, leaf in enumerate(lab.all_leaves()) if isinstance(leaf, Received))


async def cosigned(one: Organisation) -> CosignedCheckpoint:
    """Let partners cosign what is newest, and return it."""
    await one.node.submitter.submit_due()
    return one.node.log.cosigned()[0]


def policy(*witnesses: Organisation, needed: int = 1) -> WitnessPolicy:
    found = [w for one in witnesses for w in witnesses_of([one.node.identity.root])]
    return WitnessPolicy(needed, tuple(found))


async def test_a_receipt_becomes_witnessed_by_an_organisation_other_than_the_two(
    three: Three, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, clinic, bank = three
    index = await asked(lab)
    sizes = [one.node.log.size() for one in three]
    head = await cosigned(clinic)
    assert head.size == clinic.node.log.size()
    assert set(head.names) == {"lab.example/witness", "bank.example/witness"}
    log_file = lab.node.data.log_file
    keys = held_keys(lab, clinic)
    before = check_receipt(export_receipt(log_file, index), keys, policy(lab, clinic, bank))
    assert before.verdict == "SELF-SIGNED"

    await lab.node.follower.follow_due()
    assert lab.node.log.unwitnessed("clinic.example", 0, 9) == []
    receipt = export_receipt(log_file, index)
    found = check_receipt(receipt, keys, policy(lab, clinic, bank))
    assert (found.verdict, set(found.witnessed.by)) == ("WITNESSED", {"bank.example"})
    assert check_receipt(receipt, keys, policy(lab, clinic)).verdict == "SELF-SIGNED"
    assert check_receipt(receipt, keys, policy(bank, needed=2)).verdict == "SELF-SIGNED"
    assert check_receipt(receipt, keys).verdict == "SELF-SIGNED"
    assert sizes == [one.node.log.size() for one in three]  # no leaf, which would want a witness

    await cosigned(lab)
    verified = verify_directory(lab.node.data.path, None, silent)
    assert (verified.verdict, verified.findings) == ("WITNESSED", ())
    assert (verified.receipts_witnessed, verified.witnessed) == (2, lab.node.log.size())
    assert verify_file(log_file, None, silent).verdict == "SELF-SIGNED"  # without any anchor
    given = verify_file(log_file, None, silent, policy=policy(clinic, bank))
    assert given.verdict == "WITNESSED"
    only_the_party = verify_file(log_file, None, silent, policy=policy(clinic))
    assert only_the_party.self_signed_because is not None
    assert "only parties" in only_the_party.self_signed_because
    await asked(lab)
    later = verify_directory(lab.node.data.path, None, silent)
    assert later.verdict == "SELF-SIGNED"
    assert later.self_signed_because == "too few have cosigned the last 2 leaves yet"

    await cosigned(clinic)
    log = clinic.node.log
    monkeypatch.setattr(log, "inclusion", lambda indexes, _: [(bytes(32),)] * len(indexes))
    await lab.node.follower.follow_due()  # cosigned, but these paths prove nothing
    following = lab.node.follower.following("clinic.example")
    assert following is not None
    assert "proof" in str(following.problem)
    assert len(lab.node.log.unwitnessed("clinic.example", 0, 9)) == 1


async def test_between_two_organisations_alone_nothing_is_witnessed_and_it_says_so(
    world: World,
) -> None:
    lab = await world.organisation("lab.example")
    clinic = await world.organisation("clinic.example", documents("clinic"))
    await pair(lab, clinic)
    await clinic.grant(grant("lab.example"))
    await asked(lab)
    await cosigned(clinic)
    await lab.node.follower.follow_due()
    assert lab.node.follower.following("clinic.example") is None  # there is nothing to wait for
    verified = verify_directory(clinic.node.data.path, None, silent)
    assert (verified.verdict, verified.findings) == ("SELF-SIGNED", ())
    assert verified.self_signed_because is not None
    assert "only parties of the exchanges have cosigned it: lab.example" in (
        verified.self_signed_because
    )


async def test_a_witness_that_is_away_costs_nothing_but_a_line_of_status(three: Three) -> None:
    lab, clinic, bank = three
    await asked(lab)
    await bank.stop()
    assert set((await cosigned(clinic)).names) == {"lab.example/witness"}
    await lab.node.follower.follow_due()  # its own word is not enough for its receipt
    following = lab.node.follower.following("clinic.example")
    assert following is not None
    assert "too few witnesses" in str(following.problem)
    assert lab.node.log.unwitnessed("clinic.example", 0, 9)
    shown = await clinic.do("audit.witness", NoRequest(), Witnesses)
    states = {each.organisation: each for each in shown.witnesses}
    assert (states["lab.example"].lag, states["lab.example"].problem) == (0, None)
    assert states["bank.example"].size == 0
    assert "could not be reached" in str(states["bank.example"].problem)
    assert [each.origin for each in shown.cosigned_here] == []
    again = clinic.node.submitter.standing("bank.example")
    await clinic.node.submitter.submit_due()
    assert clinic.node.submitter.standing("bank.example") is again  # it has its pause

    before = clinic.node.submitter.standing("lab.example")
    await asked(lab)
    assert clinic.node.log.size() > before.size
    clinic.node.log.hold("partners hold more of it")
    await clinic.node.submitter.submit_due()
    assert clinic.node.submitter.standing("lab.example") is before  # nothing is shown any more


async def test_keys_of_log_and_witness_are_replaced_and_the_log_goes_on_being_cosigned(
    three: Three,
) -> None:
    lab, clinic, bank = three
    await cosigned(clinic)
    first = policy(lab).witnesses
    await rotated(clinic, "log", at_once=True)
    await rotated(lab, "witness", at_once=True)
    await told(clinic, lab)
    head = await cosigned(clinic)
    assert set(head.names) == {"lab.example/witness", "bank.example/witness"}
    assert head.size == clinic.node.log.size()
    judged = WitnessPolicy(1, first).judge(head.note)
    assert judged.by == {}  # the key before has not cosigned this one
    assert set(policy(lab, bank).judge(head.note).by) == {"lab.example", "bank.example"}


@contextmanager
def no_room_in(record: Path) -> Iterator[None]:
    """Let nothing be written to a witness's record, as on a full disk."""
    WitnessRecord(record).latest("log.example", "none")  # makes the file
    with closing(sqlite3.connect(record, isolation_level=None)) as other:
        other.execute("CREATE TRIGGER full_disk BEFORE INSERT ON cosigned BEGIN "
                      "SELECT RAISE(ABORT, 'the disk is full'); END")  # fmt: skip
        yield
        other.execute("DROP TRIGGER full_disk")


async def test_every_refusal_of_a_witness_has_its_status(three: Three) -> None:
    lab, clinic, _bank = three
    await asked(lab)
    log, signer = clinic.node.log, signer_of(clinic)
    origin, note, size = clinic.node.log_origin, log.checkpoint(), log.size()
    pinned = lab.node.peers.get("clinic.example").record.pinned
    seen = lab.node.log.seen("clinic.example", pinned, origin)
    assert seen is not None
    elsewise = sign_checkpoint(Checkpoint(origin, seen.size, leaf_hash(b"answers")), signer)
    small = sign_checkpoint(Checkpoint(origin, 3, leaf_hash(b"3")), signer)
    other = sign_checkpoint(Checkpoint(origin, size, leaf_hash(b"other")), signer)
    empty = sign_checkpoint(Checkpoint(origin, 0, leaf_hash(b"")), signer)
    nobody = sign_checkpoint(Checkpoint("bakery.example/log", 3, leaf_hash(b"")), signer)
    forged = sign_checkpoint(Checkpoint(origin, 3, leaf_hash(b"")), signer_of(lab))
    later = sign_checkpoint(Checkpoint(origin, size + 5, leaf_hash(b"later")), signer)
    padded = note + b"".join(unknown_line(n) for n in range(20))
    wanted = [
        (b"", 400),
        (b"old 0\n" + note, 400),
        (b"old 00\n\n" + note, 400),
        (AddCheckpoint(9, (), small).encode(), 400),
        (AddCheckpoint(0, (), nobody).encode(), 404),
        (AddCheckpoint(0, (), forged).encode(), 403),
        (AddCheckpoint(0, (), empty).encode(), 422),
        (AddCheckpoint(0, (EMPTY_ROOT,), note).encode(), 422),
        (AddCheckpoint(1, (EMPTY_ROOT,), note).encode(), 409),
        (AddCheckpoint(0, (), elsewise).encode(), 422),  # an answer came with another tree
        (AddCheckpoint(0, (), padded).encode(), 200),
        (AddCheckpoint(0, (), note).encode(), 409),
        (AddCheckpoint(size, (), note).encode(), 200),
        (AddCheckpoint(size, (), other).encode(), 422),
        (AddCheckpoint(size, (EMPTY_ROOT,), later).encode(), 422),
        (b"x" * 40_000, 413),
    ]
    sizes: list[str] = []
    async with aiohttp.ClientSession() as session:
        with no_room_in(lab.node.data.witness_file):  # what is not on disk is not cosigned
            good = AddCheckpoint(0, (), note).encode()
            async with session.post(lab.url + ADD_CHECKPOINT_PATH, data=good) as answer:
                assert (answer.status, "\N{EM DASH}" in await answer.text()) == (503, False)
        for n, (body, status) in enumerate(wanted):
            async with session.post(lab.url + ADD_CHECKPOINT_PATH, data=body) as answer:
                assert answer.status == status, (n, await answer.text())
                if status == 409:
                    assert answer.headers["Content-Type"] == SIZE_TYPE
                    sizes.append(await answer.text())
                if status == 200:
                    assert (await answer.text()).startswith("\N{EM DASH} lab.example/witness ")
    assert sizes == ["0\n", f"{size}\n"]
    latest = lab.node.cosigner.latest(lab.node.peers.get("clinic.example"))
    assert latest is not None
    assert latest[1].startswith(note)
    assert len(padded) > 20_000 > MAX_HELD_NOTE_CHARS >= len(latest[1])  # what it keeps
    forks = Forks(lab.node.data.forks).all()  # two trees of one size; the proofless one is none
    assert [fork.origin for fork in forks] == [origin, origin]
    assert "log-forked" in await lab.findings()
    await lab.change("pause", "clinic.example")
    async with (
        aiohttp.ClientSession() as session,
        session.post(lab.url + ADD_CHECKPOINT_PATH, data=wanted[-4][0]) as answer,
    ):
        assert answer.status == 404


async def copied(one: Organisation, folder: Path) -> DataDirectory:
    """Copy a node's whole directory, for a second node with the same keys on another port."""
    shutil.copytree(one.node.data.path, folder)
    data = DataDirectory(folder)
    listen(data, one.node.settings.federation.port, free_port())
    return data


def listen(data: DataDirectory, before: int, port: int) -> None:
    """Let a node that is not running listen on another port than before."""
    text = data.config_file.read_text()
    assert f"port = {before}" in text
    data.config_file.write_text(text.replace(f"port = {before}", f"port = {port}"))


async def forked(
    world: World, three: Three, folder: Path, *, full: bool = False
) -> tuple[Organisation, Organisation]:
    """Two nodes of the clinic, of which one shows its log to the lab and the other to the bank.

    `full`: the one that the lab sees has 2^n leaves, whose root is in no proof.
    """
    lab, clinic, _bank = three
    await asked(lab)
    await cosigned(clinic)
    await clinic.stop()
    second = await copied(clinic, folder)
    one = await world.serve(clinic.node.data)
    two = await world.serve(second)  # nothing is known of the other yet
    await one.change("pause", "bank.example")
    await two.change("pause", "lab.example")
    await asked(lab)
    while (one.node.log.size().bit_count() == 1) != full:
        await one.node.log.append(event())
    while two.node.log.size() <= one.node.log.size():
        await two.node.log.append(event())
    for each, witness in ((one, "lab.example/witness"), (two, "bank.example/witness")):
        head = await cosigned(each)
        assert (head.size, set(head.names)) == (each.node.log.size(), {witness})
    assert one.node.log.held is None
    assert two.node.log.held is None
    return one, two


async def test_two_nodes_that_show_different_logs_to_two_witnesses_are_caught(
    world: World, three: Three, tmp_path: Path
) -> None:
    lab, clinic, bank = three
    one, two = await forked(world, three, tmp_path / "second")
    await one.change("resume", "bank.example")  # each shows its log to the other's witness
    await two.change("resume", "lab.example")
    await asyncio.gather(*(each.node.submitter.submit_due() for each in (one, two)))
    (fork,) = Forks(lab.node.data.forks).all()
    for each in (one, two):
        assert each.node.log.held is not None  # an honest owner's node stops
    assert "log-forked" in await lab.findings()
    shown = await lab.do("audit.witness", NoRequest(), Witnesses)
    assert [each.file for each in shown.forks] == [str(fork.file)]
    words = " ".join(fingerprint(clinic.node.identity.root.roots[0].record.public))
    proved = verify_fork(fork.file, [words])
    assert (proved.verdict, proved.key_given) == ("DIVERGED", True)
    assert proved.trees[0].size < proved.trees[1].size
    altered = tmp_path / "altered.json"
    altered.write_bytes(fork.file.read_bytes().replace(b'"proof":["', b'"proof":["A', 1))
    assert verify_fork(altered, [words]).verdict == "INVALID"
    stranger = " ".join(fingerprint(bank.node.identity.root.roots[0].record.public))
    assert verify_fork(fork.file, [stranger]).verdict == "INVALID"
    await two.stop()
    with pytest.raises(NotSettled):
        await world.serve(two.node.data)


async def test_an_asker_sees_by_its_receipts_that_another_witness_was_shown_another_log(
    world: World, three: Three, tmp_path: Path
) -> None:
    lab = three[0]
    one, two = await forked(world, three, tmp_path / "second", full=True)
    for each in (one, two):
        await each.stop()
    listen(two.node.data, two.node.settings.federation.port, one.node.settings.federation.port)
    two = await world.serve(two.node.data)  # the lab, paused here, is not asked what it holds
    await two.change("resume", "lab.example")
    await lab.node.follower.follow_due()
    following = lab.node.follower.following("clinic.example")
    assert following is not None
    assert "does not connect the two roots" in str(following.problem)
    assert lab.node.log.unwitnessed("clinic.example", 0, 9)  # nothing of it was kept
    for shown_again in (False, True):  # to the lab as an asker, and then as a witness
        if shown_again:
            await two.node.submitter.submit_due()
        assert list(Forks(lab.node.data.forks).all()) == []
        await lab.stop()  # what is suspected outlives the process
        lab = await world.serve(lab.node.data)
        (suspected,) = lab.node.suspicions.waiting()
        await lab.node.suspicions.look()  # reads the hash that the proof leaves out
        assert lab.node.suspicions.waiting() == []
        (fork,) = Forks(lab.node.data.forks).all()
        proved = verify_fork(fork.file, [])
        assert (proved.verdict, proved.trees[0].size.bit_count()) == ("DIVERGED", 1)
        fork.file.unlink()
    WitnessRecord(lab.node.data.witness_file).suspect(suspected)
    await two.stop()
    for asked_before in range(ATTEMPTS):
        assert [one.attempts for one in lab.node.suspicions.waiting()] == [asked_before]
        await lab.node.suspicions.look()  # nobody is there to give it
    assert lab.node.suspicions.waiting() == []
    assert list(Forks(lab.node.data.forks).all()) == []


async def test_an_asker_that_is_a_witness_too_is_not_shown_one_log_as_each(
    world: World, three: Three, tmp_path: Path
) -> None:
    """What it cosigned last is larger than what came with its answers, and of the other log."""
    lab, clinic, _bank = three
    await asked(lab)
    await cosigned(clinic)
    await clinic.stop()
    second = await copied(clinic, tmp_path / "second")
    one = await world.serve(clinic.node.data)
    two = await world.serve(second)
    await one.node.log.append(event())
    while (one.node.log.size() + 1).bit_count() == 1:
        await one.node.log.append(event())
    await asked(lab)  # answered from the first log
    while two.node.log.size() <= one.node.log.size():
        await two.node.log.append(event())
    assert "lab.example/witness" in (await cosigned(two)).names  # which is shown the second
    await two.change("pause", "lab.example")
    for each in (one, two):
        await each.stop()
    listen(two.node.data, two.node.settings.federation.port, one.node.settings.federation.port)
    two = await world.serve(two.node.data)
    await two.change("resume", "lab.example")
    await lab.node.follower.follow_due()
    (fork,) = Forks(lab.node.data.forks).all()
    assert verify_fork(fork.file, []).verdict == "DIVERGED"
    assert lab.node.log.unwitnessed("clinic.example", 0, 9)


async def test_a_node_whose_witness_holds_more_does_not_start(
    world: World, three: Three, tmp_path: Path
) -> None:
    _lab, clinic, _bank = three
    await clinic.stop()
    old = await copied(clinic, tmp_path / "old")
    again = await world.serve(clinic.node.data)
    await cosigned(again)
    await again.stop()
    with pytest.raises(NotSettled, match=r"holds a checkpoint of \d+ leaves"):
        await world.serve(old)
