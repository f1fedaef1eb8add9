"""Whether a partner holds more of this node than it has: only own signatures count."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keys.signer import SeedSigner
from node.audit.log import AuditLog
from node.audit.origin import log_origin
from node.backup.own_state import Judged, OwnState, judge, own_state
from protocol.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from protocol.leaf import new_salt
from protocol.log_terms import LogTerm
from protocol.messages import Held
from protocol.note import VerifierKey
from protocol.root import RevokedKey
from tests.node.audit.entries import event
from tests.node.federation.party import NOW, Party

ME = Party("clinic.example")
STRANGER = Party("clinic.example")
ORIGIN = log_origin("clinic.example")


@pytest.fixture
async def own(tmp_path: Path) -> OwnState:
    """A log of five leaves, and one root document."""
    log = AuditLog.open(tmp_path / "log.db", ME.keys["log"], ORIGIN, lambda: NOW)
    for number in range(5):
        await log.append(event(str(number)))
    await log.close()
    return own_state(tmp_path / "log.db", [ME.root()], NOW)


def held(note: bytes | None = None, **changes: Any) -> Held:
    fields: dict[str, Any] = {
        "salt": new_salt(),
        "query": "sha256:" + "0" * 64,
        "log_origin": ORIGIN,
        "checkpoint": note.decode() if note else None,
        "root_version": 1,
        "card_serial": 1,
        "root": ME.signed_root().decode(),
    }
    return Held(**(fields | changes))


def note(own: OwnState, size: int, signer: Party = ME, origin: str = ORIGIN) -> bytes:
    root = own.root_at(size) if size <= own.size else b"\1" * 32
    return sign_checkpoint(Checkpoint(origin, size, root), signer.keys["log"])


def older(judged: Judged) -> list[str]:
    return [each.what for each in judged.behind]


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5])
def test_every_earlier_checkpoint_of_the_own_log_agrees(own: OwnState, size: int) -> None:
    judged = judge(held(note(own, size)), own)
    assert (judged.behind, judged.ignored) == ((), ())
    assert judged.checkpoint is not None
    assert judged.checkpoint.size == size


def test_nothing_seen_agrees(own: OwnState) -> None:
    assert judge(held(), own).behind == ()


def test_a_larger_checkpoint_is_more_than_there_is(own: OwnState) -> None:
    assert older(judge(held(note(own, 6)), own)) == ["log"]


def test_another_history_is_noticed_below_the_own_size(own: OwnState) -> None:
    forked = sign_checkpoint(Checkpoint(ORIGIN, 3, b"\2" * 32), ME.keys["log"])
    assert older(judge(held(forked), own)) == ["log"]


def test_a_checkpoint_that_no_own_key_signed_is_ignored(own: OwnState) -> None:
    judged = judge(held(note(own, 9, STRANGER)), own)
    assert judged.behind == ()
    assert "no own log key" in judged.ignored[0]


def test_another_log_is_noticed_unless_it_was_given_up(own: OwnState) -> None:
    other = note(own, 9, origin=f"{ORIGIN}-1")
    assert older(judge(held(other, log_origin=f"{ORIGIN}-1"), own)) == ["log"]
    given_up = OwnState(**{**vars(own), "given_up": frozenset({f"{ORIGIN}-1"})})
    assert judge(held(other, log_origin=f"{ORIGIN}-1"), given_up).behind == ()


def test_a_later_root_document_is_more_than_there_is(own: OwnState) -> None:
    later = ME.signed_root(ME.root(version=2)).decode()
    judged = judge(held(root=later), own)
    assert older(judged) == ["root"]
    assert judged.root is not None


def test_another_document_of_the_same_version_is_noticed(own: OwnState) -> None:
    twin = ME.signed_root(ME.root(days=80)).decode()
    assert older(judge(held(root=twin), own)) == ["root"]


@pytest.mark.parametrize("text", ["{}", "no json", STRANGER.signed_root().decode()])
def test_a_root_document_without_an_own_root_key_is_ignored(own: OwnState, text: str) -> None:
    judged = judge(held(root=text), own)
    assert judged.behind == ()
    assert "does not verify" in judged.ignored[0]


def test_a_checkpoint_under_a_key_that_only_a_later_document_names_counts(own: OwnState) -> None:
    moved = Party("clinic.example", keys={**ME.keys, "log": STRANGER.keys["log"]})
    later = moved.signed_root(moved.root(version=2)).decode()
    judged = judge(held(note(own, 9, moved), root=later), own)
    assert older(judged) == ["root", "log"]


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ({"log_origin": "x"}, "approved the log x"),
        ({"log_origin": f"{ORIGIN}-1"}, "approved the log"),
        ({"card_serial": NOW + 31}, "compare the clocks"),
        ({"card_serial": 2**53 - 1}, "compare the clocks"),
        ({"root_version": 40}, None),
    ],
)
def test_what_no_own_signature_shows_is_no_reason_to_stop(
    own: OwnState, claim: dict[str, Any], words: str | None
) -> None:
    judged = judge(held(**claim), own)
    assert judged.behind == ()
    assert len(judged.ignored) == (words is not None)
    assert words is None or words in judged.ignored[0]


def test_a_card_from_a_clock_that_is_nearly_the_same_is_no_claim(own: OwnState) -> None:
    assert judge(held(card_serial=NOW + 30), own).ignored == ()


def test_a_log_key_that_was_revoked_shows_nothing_of_another_log(own: OwnState) -> None:
    other = Party("clinic.example", keys={**ME.keys, "log": SeedSigner.generate()})
    stolen = RevokedKey(kid=ME.keys["log"].kid, at=NOW, reason="stolen")
    second = other.root(version=2).model_copy(update={"revocations": (stolen,)})
    moved = replace(own, kid=other.keys["log"].kid, history=(ME.root(), second))
    forged = note(own, 9, origin=f"{ORIGIN}-9")
    assert judge(held(forged, root=ME.signed_root(ME.root()).decode()), moved).behind == ()


def rotated(own: OwnState) -> tuple[OwnState, Party]:
    """The own state after the root key was replaced and the old one revoked."""
    after = Party("clinic.example", keys={**ME.keys, "root": SeedSigner.generate()})
    stolen = RevokedKey(kid=ME.keys["root"].kid, at=NOW, reason="stolen")
    second = after.root(version=2).model_copy(update={"revocations": (stolen,)})
    return replace(own, history=(ME.root(), second)), after


@pytest.mark.parametrize("version", [1, 2, 3, 40])
def test_a_root_key_that_was_revoked_makes_no_own_document(own: OwnState, version: int) -> None:
    now, _ = rotated(own)
    forged = ME.signed_root(ME.root(version=version, days=80)).decode()
    judged = judge(held(root=forged), now)
    assert (judged.behind, judged.root) == ((), None)
    assert "does not verify" in judged.ignored[0]


def test_an_earlier_own_document_is_known_and_the_next_one_counts(own: OwnState) -> None:
    now, after = rotated(own)
    judged = judge(held(), now)
    assert (judged.behind, judged.ignored) == ((), ())
    third = after.root(version=3).model_copy(update={"revocations": now.root.revocations})
    assert older(judge(held(root=after.signed_root(third).decode()), now)) == ["root"]
    forgetful = after.signed_root(after.root(version=3)).decode()
    assert judge(held(root=forgetful), now).behind == ()


def test_a_log_that_was_never_begun_is_empty(tmp_path: Path, own: OwnState) -> None:
    fresh = own_state(tmp_path / "none.db", [ME.root()], NOW)
    assert (fresh.origin, fresh.size, fresh.note) == (ORIGIN, 0, "")
    assert older(judge(held(note(own, 1)), fresh)) == ["log"]


def test_the_last_checkpoint_is_a_whole_note(own: OwnState) -> None:
    key = VerifierKey(ORIGIN, ME.keys["log"].public)
    assert open_checkpoint(own.note.encode(), ORIGIN, key).size == 5


async def test_a_key_that_was_followed_shows_the_log_up_to_its_end(own: OwnState) -> None:
    second = SeedSigner.generate()
    terms = (
        LogTerm.of(ORIGIN, ME.keys["log"].public, 0, 4),
        LogTerm.of(ORIGIN, second.public, 4, None),
    )
    known = ME.root(version=2).model_copy(update={"log_terms": terms})
    bounded = replace(own, kid=second.kid, history=(ME.root(), known))
    assert judge(held(note(own, 4)), bounded).checkpoint is not None
    assert "no own log key" in judge(held(note(own, 5)), bounded).ignored[0]
    assert judge(held(note(own, 5)), bounded).behind == ()


async def test_an_own_root_document_shows_how_far_the_log_had_come(own: OwnState) -> None:
    for from_size, found in ((5, []), (6, ["root", "log"])):
        terms = (
            LogTerm.of(ORIGIN, ME.keys["log"].public, 0, from_size),
            LogTerm.of(ORIGIN, SeedSigner.generate().public, from_size, None),
        )
        root = ME.root(version=2).model_copy(update={"log_terms": terms})
        judged = judge(held(root=ME.signed_root(root).decode()), own)
        assert older(judged) == (found or ["root"])
