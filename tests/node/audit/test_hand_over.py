"""One log key follows another: where each one ends is fixed with the leaf that says so."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from keys.signer import SeedSigner, Signer
from node.audit.entry import TakeOver
from node.audit.errors import AlreadyRecorded, LogForeign, LogShortened, LogUnavailable
from node.audit.fsck import fsck
from node.audit.hand_over import hand_over_entry
from node.audit.log import AuditLog
from node.audit.log_key_rows import TOOK_OVER, keys_of, terms_of_file
from node.audit.own_log_keys import OwnLogKeys
from node.audit.verify import Anchors, verify_log
from node.operations.registry import silent
from protocol.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from protocol.leaf import KeyChanged, decode_leaf
from protocol.log_errors import BeyondTerm, UntrustedNote
from protocol.log_keys import LogKeys
from protocol.log_terms import LogTerm
from protocol.merkle import Frontier
from protocol.note import VerifierKey, parse_note
from protocol.tlog_proof import verify_receipt
from tests.node.audit.entries import LOG_KEY, ORIGIN, event, opened
from tests.node.audit.tampering import kinds, tamper
from tests.protocol.leaf_samples import AT

SECOND = SeedSigner.from_seed(b"second key of the audit tests...")
THIRD = SeedSigner.from_seed(b"third key of the audit tests....")
ROOT = Path(__file__).parents[3]


def own(*signers: Signer, terms: tuple[LogTerm, ...] = (), away: str = "") -> OwnLogKeys:
    """What the node's root documents know; the key ``away`` is not at hand."""
    at_hand = {signer.kid: signer for signer in signers if signer.kid != away}
    return OwnLogKeys(frozenset(signer.kid for signer in signers), terms, at_hand.get)


def reopened(path: Path, signer: Signer, known: OwnLogKeys) -> AuditLog:
    return AuditLog.open(path, signer, ORIGIN, lambda: AT, own=known)


def vkey(signer: Signer) -> VerifierKey:
    return VerifierKey(ORIGIN, signer.public)


def signers_of(note: bytes) -> list[bytes]:
    return [line.key_id for line in parse_note(note).signatures]


def found(path: Path, given: VerifierKey | LogKeys | None = None) -> list[str]:
    return [f"{one.kind}: {one.detail}" for one in fsck(path, silent, given).findings.listed]


async def handed_over(folder: Path, *, alone: bool = False) -> Path:
    """A log of seven leaves; with the fourth of them the second key took over."""
    path = folder / "log.db"
    async with opened(path) as log:
        for _ in range(3):
            await log.append(event())
        await log.hand_over(TakeOver(SECOND, alone))
        for _ in range(3):
            await log.append(event())
    return path


async def test_both_keys_sign_where_one_follows_the_other_and_each_alone_elsewhere(
    tmp_path: Path,
) -> None:
    notes = {}
    async with opened(tmp_path / "log.db") as log:
        for number in range(6):
            if number == 3:
                await log.hand_over(TakeOver(SECOND))
            else:
                await log.append(event())
            notes[number + 1] = log.checkpoint()
        assert log.verifier_key == vkey(SECOND)
        leaf = decode_leaf(log.receipt(3).leaf)
    first, second = vkey(LOG_KEY).key_id, vkey(SECOND).key_id
    expected = {n: [first] for n in (1, 2, 3)} | {4: [first, second]} | {5: [second], 6: [second]}
    assert {size: signers_of(note) for size, note in notes.items()} == expected
    assert isinstance(leaf, KeyChanged)
    assert (leaf.event, leaf.key) == (TOOK_OVER, SECOND.kid)
    assert open_checkpoint(notes[4], ORIGIN, vkey(LOG_KEY)) == open_checkpoint(
        notes[4], ORIGIN, vkey(SECOND)
    )


async def test_every_receipt_of_a_busy_log_verifies_under_the_terms(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    async with opened(path) as log:
        waiting = [log.submit(event(str(n))) for n in range(40)]
        waiting.insert(20, log.submit(hand_over_entry(TakeOver(SECOND), AT)))
        waiting += [log.submit(event(str(n))) for n in range(40)]
        receipts = await asyncio.gather(*waiting)
    keys = keys_of(terms_of_file(path), ORIGIN)
    for receipt in receipts:
        verify_receipt(receipt.leaf, receipt.proof, keys, ORIGIN)
    assert sorted(receipt.index for receipt in receipts) == list(range(81))
    assert found(path) == found(path, vkey(LOG_KEY)) == found(path, vkey(SECOND)) == []


async def test_the_old_key_beyond_its_end_is_refused_and_named(tmp_path: Path) -> None:
    path = await handed_over(tmp_path)
    keys = keys_of(terms_of_file(path), ORIGIN)
    for size, counts in ((4, True), (5, False), (7, False)):
        forged = sign_checkpoint(Checkpoint(ORIGIN, size, bytes(32)), LOG_KEY)
        if counts:
            assert open_checkpoint(forged, ORIGIN, keys).size == size
            continue
        with pytest.raises(BeyondTerm, match=LOG_KEY.kid):
            open_checkpoint(forged, ORIGIN, keys)
    frontier = Frontier()
    tamper(
        path,
        "UPDATE checkpoints SET note = ? WHERE size = 6",
        values=(sign_checkpoint(Checkpoint(ORIGIN, 6, frontier.root()), LOG_KEY),),
    )
    (finding,) = found(path)
    assert finding.startswith("checkpoint-invalid: checkpoint of 6 leaves")
    assert f"{LOG_KEY.kid} signs from 0 leaves to 4" in finding


async def test_a_key_that_was_followed_never_comes_back(tmp_path: Path) -> None:
    path = await handed_over(tmp_path)
    log = reopened(path, LOG_KEY, own(LOG_KEY, SECOND))  # as with a clock that went back
    for signer in (LOG_KEY, SECOND):
        with pytest.raises(AlreadyRecorded, match=signer.kid):
            await log.hand_over(TakeOver(signer))
    await log.append(event())
    assert log.kid == SECOND.kid
    await log.close()
    with pytest.raises(LogForeign, match=SECOND.kid):
        reopened(path, LOG_KEY, own(LOG_KEY, SECOND, away=SECOND.kid))
    assert found(path) == []


async def test_of_two_that_would_take_over_at_once_one_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db") as log:
        entries = [hand_over_entry(TakeOver(signer), AT) for signer in (SECOND, THIRD)]
        first, second = await asyncio.gather(
            *(log.append(entry) for entry in entries), return_exceptions=True
        )
        assert not isinstance(first, BaseException)
        if isinstance(second, BaseException):  # they shared a batch
            assert isinstance(second, AlreadyRecorded)
    assert found(tmp_path / "log.db") == []


async def test_a_new_key_takes_over_when_the_log_is_opened_without_the_old_one(
    tmp_path: Path,
) -> None:
    path = tmp_path / "log.db"
    async with opened(path) as log:
        await log.append(event())
    log = reopened(path, SECOND, own(LOG_KEY, SECOND))
    assert (log.size(), log.kid) == (1, LOG_KEY.kid)  # at hand: it goes on until told otherwise
    await log.close()
    log = reopened(path, SECOND, own(LOG_KEY, SECOND, away=LOG_KEY.kid))
    assert (log.size(), log.kid) == (2, SECOND.kid)
    assert signers_of(log.checkpoint()) == [vkey(SECOND).key_id]
    await log.close()
    assert terms_of_file(path) == (
        LogTerm.of(ORIGIN, LOG_KEY.public, 0, 2),
        LogTerm.of(ORIGIN, SECOND.public, 2, None),
    )


async def test_a_log_under_a_key_that_no_own_document_names_is_not_taken_over(
    tmp_path: Path,
) -> None:
    path = tmp_path / "log.db"
    async with opened(path) as log:
        await log.append(event())
    with pytest.raises(LogForeign, match="this node's log key"):
        reopened(path, SECOND, own(SECOND, THIRD))


async def test_a_hand_over_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    async with opened(path) as log:
        await log.append(event())
        tamper(
            path, "CREATE TRIGGER no BEFORE INSERT ON leaves BEGIN SELECT RAISE(ABORT, 'x'); END"
        )
        with pytest.raises(LogUnavailable):
            await log.hand_over(TakeOver(SECOND))
        assert log.kid == LOG_KEY.kid
        tamper(path)
        await log.append(event())
        await log.hand_over(TakeOver(SECOND))
        assert (log.kid, log.size()) == (SECOND.kid, 3)
    assert found(path) == []


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("DELETE FROM log_keys WHERE from_size = 4", "log-keys-differ"),
        ("UPDATE log_keys SET from_size = 5 WHERE from_size = 4", "log-keys-differ"),
        ("INSERT INTO log_keys VALUES (6, ?)", "log-keys-differ"),
        ("UPDATE log_keys SET verifier_key = ? WHERE from_size = 0", "checkpoint-invalid"),
    ],
)
async def test_keys_that_the_leaves_do_not_tell_of_are_found(
    tmp_path: Path, statement: str, kind: str
) -> None:
    path = await handed_over(tmp_path)
    tamper(path, statement, values=(str(vkey(THIRD)),))
    assert kind in kinds(path)


async def test_what_root_documents_say_of_the_keys_is_compared(tmp_path: Path) -> None:
    path = await handed_over(tmp_path)
    published = terms_of_file(path)
    both = (LOG_KEY.public, SECOND.public)
    for known in (
        LogKeys.of_terms(ORIGIN, published, ()),
        LogKeys.of_terms(ORIGIN, (), both),  # the bound is not published yet
    ):
        assert found(path, known) == []
        anchors = Anchors("bank.example", known, lambda _: None, lambda *_: None)
        assert verify_log(path, anchors, silent).verdict == "SELF-SIGNED"
    later = (LogTerm.of(ORIGIN, both[0], 0, 6), LogTerm.of(ORIGIN, both[1], 6, None))
    assert "log-foreign" in found(path, LogKeys.of_terms(ORIGIN, later, ()))[0]
    assert SECOND.kid in found(path, LogKeys.single(vkey(LOG_KEY)))[0]


async def test_another_key_than_the_published_one_does_not_follow_unnoticed(
    tmp_path: Path,
) -> None:
    path = await handed_over(tmp_path, alone=True)
    third = LogTerm.of(ORIGIN, THIRD.public, 4, None)
    published = (*terms_of_file(path)[:1], third)  # and SECOND was only ever named: for later
    known = LogKeys.of_terms(ORIGIN, published, (SECOND.public,))
    (finding,) = found(path, known)
    assert finding.startswith("log-foreign")
    assert THIRD.kid in finding


async def test_from_an_older_key_the_log_leads_on_unless_the_new_one_signed_alone(
    tmp_path: Path,
) -> None:
    path = await handed_over(tmp_path, alone=True)
    assert found(path) == found(path, vkey(SECOND)) == []
    (finding,) = found(path, vkey(LOG_KEY))
    assert finding.startswith("log-key-unproved")
    assert LOG_KEY.kid in finding
    assert any("log-foreign" in one for one in found(path, vkey(THIRD)))


async def test_a_hand_over_whose_checkpoint_was_left_out_proves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "log.db"  # made by somebody who never had the first key
    async with opened(path) as log:
        await log.hand_over(TakeOver(SECOND, alone=True))
        await log.append(event())
    tamper(path, "DELETE FROM checkpoints WHERE size < 2")
    (finding,) = found(path, vkey(LOG_KEY))
    assert finding.startswith("log-key-unproved")
    anchors = Anchors("bank.example", vkey(LOG_KEY), lambda _: None, lambda *_: None)
    assert verify_log(path, anchors, silent).verdict == "INVALID"


async def test_a_log_that_the_root_document_has_seen_further_does_not_open(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    async with opened(path) as log:
        await log.append(event())
    terms = (
        LogTerm.of(ORIGIN, LOG_KEY.public, 0, 9),
        LogTerm.of(ORIGIN, SECOND.public, 9, None),
    )
    # with nine leaves it has what the second key took over, and not that it did
    for leaves, refused, says in ((1, LogShortened, "took over at 9"),
                                  (8, LogShortened, "holds 8 leaves"),
                                  (9, LogForeign, "root document"),
                                  (11, LogForeign, "root document")):  # fmt: skip
        async with opened(path) as log:
            while log.size() < leaves:
                await log.append(event())
        with pytest.raises(refused, match=says):
            reopened(path, LOG_KEY, own(LOG_KEY, SECOND, terms=terms))


CHILD = """
import asyncio, sys
from pathlib import Path
from keys.signer import SeedSigner
from node.audit.entry import TakeOver
from tests.node.audit.entries import event, opened

async def main(path):
    async with opened(path) as log:
        for number in range(200):
            await log.append(event())
            signer = SeedSigner.from_seed(number.to_bytes(32, "big"))
            await log.hand_over(TakeOver(signer))
            print(signer.kid, flush=True)

asyncio.run(main(Path(sys.argv[1])))
"""


def test_a_kill_between_hand_overs_leaves_a_log_whose_keys_are_known(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as child:
        assert child.stdout is not None
        acknowledged = [child.stdout.readline().strip() for _ in range(7)]
        child.send_signal(signal.SIGKILL)
        acknowledged += child.stdout.read().split()
    assert found(path) == []
    kids = [term.kid for term in terms_of_file(path)][1:]
    assert kids[: len(acknowledged)] == acknowledged
    assert len(kids) <= len(acknowledged) + 1


async def test_a_later_receipt_is_proved_by_the_new_key_alone(tmp_path: Path) -> None:
    path = await handed_over(tmp_path)
    log = reopened(path, SECOND, own(SECOND))
    made = log.receipt(1)  # a leaf of the old term, with a proof of today
    await log.close()
    assert verify_receipt(made.leaf, made.proof, vkey(SECOND), ORIGIN).checkpoint.size == 7
    with pytest.raises(UntrustedNote):
        verify_receipt(made.leaf, made.proof, vkey(LOG_KEY), ORIGIN)
