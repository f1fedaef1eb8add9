"""tests/vectors/witness.json: each case reaches the outcome that is written there."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.signer import SeedSigner, verify
from node.doctor.rooms import witness_keys_named_twice
from protocol.add_checkpoint import (
    OtherOldSize,
    SubmissionRefused,
    claimed_checkpoint,
    parse_add_checkpoint,
    require_consistent,
    require_signed,
)
from protocol.checkpoint import Checkpoint
from protocol.cosignature import (
    CosignerKey,
    cosign,
    cosignatures,
    read_cosignatures,
    with_cosignatures,
)
from protocol.dsse import Signed, read_envelope
from protocol.fork import parse_fork
from protocol.limits import MAX_NOTE_SIGNATURES
from protocol.log_errors import LogMaterialError, MalformedNote, MalformedSubmission, UntrustedNote
from protocol.log_keys import LogKeys
from protocol.note import Note, NoteSignature, VerifierKey, open_note, parse_note
from protocol.root import ROOT_TYPE, RootRefused, accept_root, read_root
from protocol.root_changes import without_key
from protocol.witness_policy import Witness, WitnessPolicy, as_stated, told_witness, witnesses_of
from tests.protocol.leaf_samples import SIGNER
from tests.protocol.organisation import NOW, key, root, signed_root, signer
from tests.protocol.test_go_judge import Judge, accepted, judge
from tests.protocol.test_root_changes import LATER, following
from tests.vectors import witness_vectors as made

VECTORS: dict[str, Any] = json.loads(made.FILE.read_text())
LOG_KEY = VerifierKey.parse(VECTORS["log_key"])
WITNESS_KEY = CosignerKey.parse(VECTORS["witness_key"])
ROOTS = [bytes.fromhex(text) for text in VECTORS["roots"]]

__all__ = ["judge"]


def named(case: dict[str, Any]) -> str:
    return str(case["name"])


def raw(text: str) -> bytes:
    return base64.b64decode(text)


def test_the_file_is_what_its_generator_writes() -> None:
    assert made.FILE.read_text() == made.written()


def note(case: dict[str, Any]) -> Note:
    said = raw(case["signature"])
    return Note(case["text"], (NoteSignature(WITNESS_KEY.name, said[:4], said[4:]),))


@pytest.mark.parametrize("case", VECTORS["cosignatures"], ids=named)
def test_cosignatures(case: dict[str, Any]) -> None:
    outcome = "accepted"
    try:
        (said,) = cosignatures(note(case), [WITNESS_KEY])
        assert (said.key, said.at) == (WITNESS_KEY, VECTORS["at"])
    except LogMaterialError as error:
        outcome = error.reason
    assert outcome == case["outcome"]


def status(body: bytes, latest: int) -> int:
    """What a witness answers that has cosigned so many leaves of the vectors' tree."""
    try:
        request = parse_add_checkpoint(body)
        claimed = claimed_checkpoint(request)
    except MalformedSubmission:
        return 400
    if claimed.origin != LOG_KEY.name:
        return 404
    before = Checkpoint(LOG_KEY.name, latest, ROOTS[latest]) if latest else None
    try:
        new = require_signed(request, LOG_KEY.name, LogKeys.single(LOG_KEY))
        require_consistent(request, new, before)
    except OtherOldSize as other:
        return other.status if other.size == latest else 0
    except SubmissionRefused as refused:
        return refused.status
    return 200


@pytest.mark.parametrize("case", VECTORS["requests"], ids=named)
def test_requests(case: dict[str, Any]) -> None:
    body = raw(case["body"])
    assert status(body, case["latest"]) == case["status"]
    if case["status"] == 200:
        assert parse_add_checkpoint(body).encode() == body


@given(st.data())
def test_no_change_of_a_request_is_cosigned_unless_it_says_the_same(data: st.DataObject) -> None:
    good = bytearray(raw(VECTORS["requests"][0]["body"]))
    at = data.draw(st.integers(0, len(good) - 1))
    match data.draw(st.sampled_from(["change", "remove", "insert", "cut"])):
        case "change":
            good[at] ^= data.draw(st.integers(1, 255))
        case "remove":
            del good[at]
        case "insert":
            good.insert(at, data.draw(st.integers(0, 255)))
        case "cut":
            del good[at:]
    assert status(bytes(good), made.LATEST) in (400, 403, 404, 409, 422)


@pytest.mark.parametrize("case", VECTORS["forks"], ids=named)
def test_forks(case: dict[str, Any]) -> None:
    outcome = "accepted"
    try:
        parse_fork(raw(case["fork"])).check(LogKeys.single(LOG_KEY))
    except LogMaterialError as error:
        outcome = error.reason
    assert outcome == case["outcome"]


def test_the_message_is_the_specifications_and_no_notes() -> None:
    """C2SP tlog-cosignature, "Ed25519 signed message", written out here once more."""
    text = Checkpoint("example.com/behind-the-sofa", 20852163, ROOTS[0]).text()
    line = cosign(text, "witness.example.com/w1", made.WITNESS, 1679315147)
    message = f"cosignature/v1\ntime 1679315147\n{text}".encode()
    assert line.signature[:8] == (1679315147).to_bytes(8, "big")
    assert verify(made.WITNESS.public, line.signature[8:], message)
    with pytest.raises(MalformedNote):
        CosignerKey.parse(str(VerifierKey("witness.example.com/w1", made.WITNESS.public)))
    with pytest.raises(MalformedNote):
        VerifierKey.parse(str(WITNESS_KEY))


def test_what_a_witness_answers_is_taken_only_from_its_own_key() -> None:
    head = made.head(7)
    text = parse_note(head).text
    mine = cosign(text, WITNESS_KEY.name, made.WITNESS, made.AT)
    stranger = cosign(text, "stranger.example/witness", SIGNER, made.AT)
    body = (stranger.line() + mine.line()).encode()
    ((line, said),) = read_cosignatures(body, text, [WITNESS_KEY])
    assert (line, said.at) == (mine, made.AT)
    later = cosign(text, WITNESS_KEY.name, made.WITNESS, made.AT + 9)
    both = with_cosignatures(with_cosignatures(head, [mine]), [later])
    assert parse_note(both).signatures[1:] == (later,)
    assert open_note(both, [LOG_KEY])[0] == text
    other = cosign(text.replace("\n7\n", "\n8\n"), WITNESS_KEY.name, made.WITNESS, made.AT)
    with pytest.raises(UntrustedNote):
        read_cosignatures(other.line().encode(), text, [WITNESS_KEY])
    for wrong in (b"", b"hello\n", body + b"\n" + body, b"\xff"):
        with pytest.raises(LogMaterialError):
            read_cosignatures(wrong, text, [WITNESS_KEY])


def test_organisations_are_counted_and_not_keys_nor_parties() -> None:
    text = parse_note(made.head(7)).text
    names = ("clinic.example", "lab.example", "bank.example")
    signers = {f"{name}/witness": SeedSigner.from_seed(name[:4].encode() * 8) for name in names}
    lines = [cosign(text, name, signer, made.AT) for name, signer in signers.items()]
    second = cosign(text, "clinic.example/second", SIGNER, made.AT)
    head = with_cosignatures(made.head(7), [*lines, second])
    told = [Witness(CosignerKey(n, s.public), n[:-8]) for n, s in signers.items()]
    told.append(told_witness(str(CosignerKey("clinic.example/second", SIGNER.public))))
    judged = WitnessPolicy(2, tuple(told)).judge(head, "bank.example")
    assert set(judged.by) == {"clinic.example", "lab.example"}
    assert judged.enough
    assert not judged.without("lab.example").enough
    assert not WitnessPolicy(1, ()).judge(head).enough
    for first, end, counts in ((0, made.AT, False), (made.AT, made.AT + 1, True)):
        bounded = Witness(told[0].key, "clinic.example", (first, end))
        assert WitnessPolicy(1, (bounded,)).judge(head).enough is counts


def test_a_witness_key_counts_for_nothing_once_any_document_revokes_it() -> None:
    stolen, kept = (key(name, "witness") for name in ("witness 1", "witness 2"))
    first = root(keys=(stolen, kept))
    second = without_key(following(first), stolen.kid, LATER, "stolen")
    for documents in ((first, second), (second, first)):
        assert [w.key.public for w in witnesses_of(documents)] == [signer("witness 2").public]
    told = [told_witness(str(w.key)) for w in witnesses_of([first])]
    gone, stated = (as_stated(one, [first, second]) for one in told)
    assert gone is None
    assert stated is not None


def test_organisations_that_name_one_key_are_one_witness_and_none_where_one_is_a_party() -> None:
    """A cosignature can be shown under any name, so who names another's key borrows its word."""
    text = parse_note(made.head(7)).text
    names = ("clinic.example", "lab.example", "sham.example")
    told = [told_witness(str(CosignerKey(f"{n}/witness", made.WITNESS.public))) for n in names]
    genuine = cosign(text, told[0].key.name, made.WITNESS, made.AT)
    copies = [NoteSignature(w.key.name, w.key.key_id, genuine.signature) for w in told]
    judged = WitnessPolicy(2, tuple(told)).judge(with_cosignatures(made.head(7), copies))
    assert set(judged.by) == set(names)
    assert not judged.enough
    assert not WitnessPolicy(1, tuple(told)).judge(made.head(7)).enough
    one = WitnessPolicy(1, tuple(told)).judge(with_cosignatures(made.head(7), copies))
    assert one.enough
    assert not one.without("lab.example").enough
    assert WitnessPolicy(1, tuple(told)).named_together() == (frozenset(names),)
    (said,) = witness_keys_named_twice(WitnessPolicy(1, tuple(told)))
    assert (said.code, all(name in said.cause for name in names)) == (
        "witness-key-named-twice", True
    )  # fmt: skip
    own = cosign(text, "clinic.example/own", SIGNER, made.AT)  # a key that nobody else names
    told.append(told_witness(str(CosignerKey(own.name, SIGNER.public))))
    head = with_cosignatures(made.head(7), [*copies, own])
    judged = WitnessPolicy(2, tuple(told)).judge(head, "bank.example")
    assert not judged.enough  # the others may be the clinic under two more names
    assert set(judged.without("lab.example").by) == {"clinic.example"}


def test_naming_a_key_that_another_has_proved_to_hold_stops_no_witness() -> None:
    """The proof is the key's signature on a root document that names it; no name can borrow it."""
    shared = (key("witness 1", "witness"),)
    own, borrowed = root(keys=shared), root(keys=shared, organisation="sham.example")
    proving, claiming = signed_root(own, "root 1", "witness 1"), signed_root(borrowed)
    copied = Signed(borrowed.payload, ROOT_TYPE, read_envelope(proving, ROOT_TYPE).signatures)
    text = parse_note(made.head(7)).text
    lines = [
        cosign(text, f"{name}/witness", signer("witness 1"), made.AT)
        for name in ("clinic.example", "sham.example")
    ]
    head = with_cosignatures(made.head(7), lines)

    def policy(needed: int, *raws: bytes) -> WitnessPolicy:
        found = [w for raw in raws for w in witnesses_of([read_root(raw)[0]])]
        return WitnessPolicy(needed, tuple(replace(w, valid=None) for w in found))

    for sham in (claiming, copied.encode()):
        for raws in ((proving, sham), (sham, proving)):
            judged = policy(1, *raws).judge(head, "sham.example")
            assert (set(judged.by), judged.enough) == ({"clinic.example"}, True)
            assert not policy(2, *raws).judge(head).enough
            assert not policy(1, *raws).named_together()
            (said,) = witness_keys_named_twice(policy(1, *raws))
            assert "sham.example has not" in said.cause
    unproved = signed_root(own)  # as releases before this one made it
    assert not policy(1, unproved, claiming).judge(head, "sham.example").enough
    assert policy(1, unproved, claiming).judge(head).enough
    told = told_witness(str(CosignerKey("clinic.example/witness", signer("witness 1").public)))
    stated = as_stated(told, [read_root(proving)[0], read_root(unproved)[0]])
    assert stated is not None
    assert (told.held, stated.held) == (False, True)
    # to a reader of a former release the proof is a signature of a key that signs no documents
    assert accept_root(proving, signer("root 1").kid, None, NOW) == read_root(proving)[0]
    with pytest.raises(RootRefused, match="root key"):
        accept_root(signed_root(own, "witness 1"), signer("root 1").kid, None, NOW)


def test_a_note_takes_as_many_cosignatures_as_it_may_have() -> None:
    """One witness with very many keys must not keep those of the others out."""
    text = parse_note(made.head(7)).text
    mine = cosign(text, WITNESS_KEY.name, made.WITNESS, made.AT)
    many = [cosign(text, f"sham.example/{n}", SIGNER, made.AT) for n in range(80)]
    note = parse_note(with_cosignatures(made.head(7), [mine, *many]))
    assert len(note.signatures) == MAX_NOTE_SIGNATURES
    assert mine in note.signatures
    again = with_cosignatures(note.encode(), [mine])
    assert parse_note(again).signatures == note.signatures


def test_the_go_judge_verifies_our_cosignatures(judge: Judge) -> None:
    cases = [
        {"name": case["name"], "note": note(case).encode(), "keys": [str(WITNESS_KEY)]}
        for case in VECTORS["cosignatures"]
        if case["outcome"] != "malformed-checkpoint"  # sumdb's note knows no checkpoints
    ]
    assert accepted(judge(notes=cases)) == {"a cosignature"}
