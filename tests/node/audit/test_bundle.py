"""A bundle proves its part of the log, and shows every change of itself."""

import asyncio
import hashlib
import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.ring import KeyRecord
from keys.signer import SeedSigner
from protocol.canonical import dumps
from protocol.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from protocol.cosignature import CosignerKey, cosign, with_cosignatures, witness_name
from protocol.note import parse_note
from protocol.root import Key, RevokedKey
from protocol.root_history import in_order
from protocol.witness_policy import Witness, WitnessPolicy
from tests.node.audit.bundles import (
    ROOTS,
    check,
    document,
    exported,
    key,
    kinds,
    with_receipt,
    words,
)
from tests.node.audit.entries import LOG_KEY, ORIGIN
from tests.protocol.leaf_samples import AT

TOLD: dict[str, dict[str, Any]] = {
    "everything": {},
    "a part": {"begins": 2, "ends": 5},
    "one peer and purpose": {
        "begins": 1,
        "peer": "clinic.example",
        "purpose": "research",
    },
}


@cache
def bundle(told: str) -> bytes:
    """The bytes of one bundle; salts differ between runs, nothing else does."""
    with TemporaryDirectory() as folder:
        return asyncio.run(exported(Path(folder), **TOLD[told])).read_bytes()


def resealed(lines: list[bytes]) -> bytes:
    """The lines with a last line that is about them, as a forger would write it."""
    body = b"".join(lines)
    end = {"lines": len(lines), "sha256": hashlib.sha256(body).hexdigest()}
    return body + json.dumps(end, separators=(",", ":")).encode() + b"\n"


@pytest.mark.parametrize(("told", "clear", "hidden"), [
    ("everything", 6, 0), ("a part", 3, 0), ("one peer and purpose", 2, 3),
])  # fmt: skip
def test_a_bundle_as_it_was_written_verifies(told: str, clear: int, hidden: int) -> None:
    checked = check(bundle(told), words("bank.example"), words("clinic.example"))
    assert kinds(checked) == []
    assert checked.verdict == "SELF-SIGNED"
    assert checked.tree is not None
    assert (checked.tree.clear, checked.tree.hidden) == (clear, hidden)
    assert checked.roots is not None
    assert checked.roots.pinned == {"bank.example", "clinic.example"}
    assert checked.requests is not None
    assert checked.requests.counts.checked == checked.requests.counts.bound > 0


def test_without_a_fingerprint_nobody_is_pinned() -> None:
    checked = check(bundle("everything"))
    assert (checked.verdict, kinds(checked)) == ("SELF-SIGNED", [])
    assert checked.roots is not None
    assert checked.roots.pinned == set()
    assert checked.roots.fingerprint == words("bank.example")


def test_the_fingerprint_of_somebody_else_proves_nothing() -> None:
    checked = check(bundle("everything"), words("stranger.example"))
    assert (checked.verdict, kinds(checked)) == ("INVALID", ["root-unproved"])


@given(st.data())
def test_every_single_byte_changed_removed_or_inserted_is_found(data: st.DataObject) -> None:
    whole = bundle(data.draw(st.sampled_from(sorted(TOLD))))
    at = data.draw(st.integers(0, len(whole) - 1))
    other = bytes([data.draw(st.integers(0, 255).filter(lambda b: b != whole[at]))])
    how = data.draw(st.sampled_from(("change", "remove", "insert", "cut")))
    changed = {
        "change": whole[:at] + other + whole[at + 1 :],
        "remove": whole[:at] + whole[at + 1 :],
        "insert": whole[:at] + other + whole[at:],
        "cut": whole[:at],
    }[how]
    checked = check(changed)
    assert checked.verdict == "INVALID"
    assert checked.findings


@given(st.data())
def test_a_forger_who_writes_the_last_line_anew_is_found_too(data: st.DataObject) -> None:
    lines = bundle(data.draw(st.sampled_from(sorted(TOLD)))).splitlines(keepends=True)[:-1]
    at = data.draw(st.integers(0, len(lines) - 1))
    how = data.draw(st.sampled_from(("change", "remove", "repeat", "swap", "cut")))
    if how == "change":
        place = data.draw(st.integers(0, len(lines[at]) - 2))
        old = lines[at][place]
        new = data.draw(st.integers(32, 126).filter(lambda b: b != old))
        lines[at] = lines[at][:place] + bytes([new]) + lines[at][place + 1 :]
    elif how == "remove":
        del lines[at]
    elif how == "repeat":
        lines.insert(at, lines[at])
    elif how == "swap":
        other = data.draw(st.integers(0, len(lines) - 1).filter(lambda n: lines[n] != lines[at]))
        lines[at], lines[other] = lines[other], lines[at]
    else:
        del lines[at:]
    checked = check(resealed(lines))
    assert checked.verdict == "INVALID"
    assert set(kinds(checked)) != {"bundle-damaged"}, "named by more than the last line"


def test_each_kind_of_change_has_its_name() -> None:
    whole = bundle("everything")
    lines = whole.splitlines(keepends=True)
    leaf = next(n for n, line in enumerate(lines) if n and line.startswith(b'{"leaf"'))
    swapped = lines[:-1]
    swapped[leaf], swapped[leaf + 1] = swapped[leaf + 1], swapped[leaf]
    named = {
        "bundle-cut": b"".join(lines[:-1]),
        "bundle-malformed": b"".join([*lines[:leaf], *lines[leaf + 1 :]]),
        "bundle-damaged": whole.replace(b'"lines":', b'"lines":1'),
        "checkpoint-differs": resealed(swapped),
        "roots-differ": resealed([*lines[:2], *lines[3:-1]]),
    }  # fmt: skip
    for kind, content in named.items():
        assert kind in kinds(check(content)), kind


def test_a_leaf_left_out_without_a_filter_is_found() -> None:
    lines = bundle("everything").splitlines(keepends=True)[:-1]
    at = next(n for n, line in enumerate(lines) if n and line.startswith(b'{"leaf"'))
    hash_ = hashlib.sha256(b"\x00" + lines[at][len(b'{"leaf":') : -2]).hexdigest()
    lines[at] = f'{{"hash":"{hash_}"}}\n'.encode()
    assert kinds(check(resealed(lines))) == ["bundle-filter"]


def seen(size: int, root: bytes) -> bytes:
    return sign_checkpoint(Checkpoint(ORIGIN, size, root), LOG_KEY)


def test_a_line_in_the_logs_name_by_a_key_that_is_none_of_its_own_is_found() -> None:
    lines = bundle("everything").splitlines(keepends=True)[:-1]
    note = json.loads(lines[1])["checkpoint"].encode()
    signed = parse_checkpoint(parse_note(note).text)
    stranger = parse_note(sign_checkpoint(signed, SeedSigner.from_seed(bytes(32)))).signatures
    lines[1] = dumps({"checkpoint": with_cosignatures(note, stranger).decode()}) + b"\n"
    assert kinds(check(resealed(lines))) == ["checkpoint-invalid"]


def test_another_tree_signed_by_the_log_key_is_a_fork() -> None:
    whole = bundle("a part")
    own = check(whole).checkpoint
    assert own is not None
    same = check(whole, seen=[seen(own.size, own.root)])
    assert (same.verdict, same.compared) == ("SELF-SIGNED", 1)
    for size in (own.size, 3):
        forked = check(whole, seen=[seen(size, bytes(32))])
        assert (forked.verdict, kinds(forked)) == ("DIVERGED", ["log-forked"])


def test_what_cannot_be_compared_is_said() -> None:
    later, outside = seen(1_000, bytes(32)), seen(1, bytes(32))
    checked = check(bundle("a part"), seen=[later, outside, b"no checkpoint"])
    assert (checked.verdict, checked.compared) == ("SELF-SIGNED", 0)
    assert len(checked.not_compared) == 3


def witness_key(name: str) -> SeedSigner:
    return SeedSigner.from_seed(name.encode().ljust(32)[:32])


def cosigned(*names: str) -> tuple[bytes, WitnessPolicy]:
    """The whole log's bundle under a checkpoint that these have cosigned, and their keys."""
    return cosigned_bundle(bundle("everything"), *names)


def cosigned_bundle(content: bytes, *names: str) -> tuple[bytes, WitnessPolicy]:
    first, line, *rest = content.splitlines(keepends=True)[:-1]
    note = json.loads(line)["checkpoint"].encode()
    text = parse_note(note).text
    signers = {name: witness_key(name) for name in names}
    lines = [cosign(text, witness_name(name), by, AT) for name, by in signers.items()]
    keys = [CosignerKey(witness_name(name), by.public) for name, by in signers.items()]
    note = with_cosignatures(note, lines)
    policy = WitnessPolicy(1, tuple(Witness(key, key.organisation) for key in keys))
    return resealed([first, dumps({"checkpoint": note.decode()}) + b"\n", *rest]), policy


@pytest.mark.parametrize(("by", "needed", "verdict"), [
    (("court.example",), 1, "WITNESSED"),
    (("court.example",), 2, "SELF-SIGNED"),
    (("court.example", "lab.example"), 2, "SELF-SIGNED"),  # for the exchange with the lab: one
    (("court.example", "lab.example", "clinic.example"), 2, "WITNESSED"),
    (("clinic.example", "lab.example"), 1, "WITNESSED"),  # each for the exchange with the other
    (("bank.example", "clinic.example"), 1, "SELF-SIGNED"),
])  # fmt: skip
def test_a_bundle_is_witnessed_by_others_than_the_parties_of_each_exchange(
    by: tuple[str, ...], needed: int, verdict: str
) -> None:
    content, policy = cosigned(*by)
    told = WitnessPolicy(needed, policy.witnesses)
    checked = check(content, words("bank.example"), policy=told)
    assert (kinds(checked), checked.verdict) == ([], verdict)
    assert check(content, words("bank.example")).verdict == "SELF-SIGNED"  # no key was given


def test_a_witness_key_that_was_given_counts_only_as_its_owners_root_document_lets_it(
    tmp_path: Path,
) -> None:
    witness, later = witness_key("court.example"), witness_key("court.example, the next")
    gone = RevokedKey(kid=witness.kid, at=AT + 10, reason="stolen")
    named = KeyRecord.of(witness.public, "witness", not_before=AT - 9, not_after=AT)
    courts: dict[str, dict[str, Any]] = {
        "stolen": {"keys": (key(later, "witness"),), "revocations": (gone,)},
        "ended": {"keys": (Key.of(named), key(later, "witness"))},
        "another's": {"keys": (key(later, "witness"),)},
    }
    for number, (state, court) in enumerate(courts.items()):
        roots = tuple(in_order([*ROOTS, document("court.example", **court)]))
        folder = tmp_path / str(number)
        folder.mkdir()
        content = asyncio.run(exported(folder, roots=roots)).read_bytes()
        content, told = cosigned_bundle(content, "court.example")
        for pinned in ([], [words("court.example")]):  # a false document can only take away
            checked = check(content, words("bank.example"), *pinned, policy=told)
            believed = state == "another's"  # its documents say nothing of the key that was given
            assert checked.verdict == ("WITNESSED" if believed else "SELF-SIGNED"), state
            assert kinds(checked) == []
            keys = [str(each.key) for each in told.witnesses]
            assert checked.withdrawn == (keys if state == "stolen" else [])


def test_a_witness_that_the_bundle_itself_names_counts_only_with_a_fingerprint_given(
    tmp_path: Path,
) -> None:
    court = document("court.example", keys=(key(witness_key("court.example"), "witness"),))
    roots = tuple(in_order([*ROOTS, court]))
    content = asyncio.run(exported(tmp_path, roots=roots)).read_bytes()
    content, _ = cosigned_bundle(content, "court.example")
    given, court_words = words("bank.example"), words("court.example")
    assert check(content).verdict == "SELF-SIGNED"
    assert check(content, given).verdict == "SELF-SIGNED"
    assert check(content, given, court_words).verdict == "WITNESSED"


def test_a_cosignature_that_does_not_verify_is_found_only_by_who_knows_the_witness() -> None:
    content, policy = cosigned("court.example")
    line = content.splitlines(keepends=True)[1]
    at = line.rindex(b"=") - 12
    changed = line[:at] + (b"A" if line[at : at + 1] != b"A" else b"B") + line[at + 1 :]
    lines = [changed if each == line else each for each in content.splitlines(keepends=True)[:-1]]
    forged = resealed(lines)
    assert kinds(check(forged, policy=policy)) == ["cosigned-invalid"]
    assert check(forged).verdict == "SELF-SIGNED"


@cache
def bundle_with_receipt() -> bytes:
    with TemporaryDirectory() as folder:
        return asyncio.run(with_receipt(Path(folder))).read_bytes()


def test_a_bundle_proves_the_receipts_of_what_was_received() -> None:
    checked = check(bundle_with_receipt(), words("bank.example"))
    assert kinds(checked) == []
    assert checked.receipts is not None
    assert (checked.receipts.named, checked.receipts.kept, checked.receipts.proved) == (1, 1, 1)


def test_a_bundle_shows_which_receipts_were_witnessed_later(tmp_path: Path) -> None:
    content = asyncio.run(with_receipt(tmp_path, witness_key("court.example"))).read_bytes()
    court = CosignerKey(witness_name("court.example"), witness_key("court.example").public)
    party = CosignerKey(witness_name("bank.example"), court.public)
    lines = content.splitlines(keepends=True)[:-1]
    (place,) = [n for n, line in enumerate(lines) if line.startswith(b'{"witnessed":')]
    for told, witnessed in ((court, 1), (party, 0)):
        policy = WitnessPolicy(1, (Witness(told, told.organisation),))
        checked = check(content, words("bank.example"), policy=policy)
        assert kinds(checked) == []
        assert checked.receipts is not None
        assert (checked.receipts.proved, checked.receipts.witnessed) == (1, witnessed)
    policy = WitnessPolicy(1, (Witness(court, "court.example"),))
    for at in range(5, len(lines[place]), 13):
        line = lines[place][:at] + bytes([lines[place][at] ^ 1]) + lines[place][at + 1 :]
        changed = resealed([*lines[:place], line, *lines[place + 1 :]])
        checked = check(changed, policy=policy)  # of another's name it says nothing
        assert kinds(checked) or (checked.receipts and checked.receipts.witnessed == 0), at
    moved = [*lines[: place - 1], lines[place], lines[place - 1], *lines[place + 1 :]]
    assert "bundle-malformed" in kinds(check(resealed(moved)))
    proof = json.loads(lines[place])["witnessed"].replace("index 0", "index 1")
    other = dumps({"witnessed": proof}) + b"\n"
    changed = resealed([*lines[:place], other, *lines[place + 1 :]])
    assert kinds(check(changed)) == ["receipt-invalid"]


def test_a_receipt_that_is_changed_moved_doubled_or_left_out_is_named() -> None:
    lines = bundle_with_receipt().splitlines(keepends=True)[:-1]
    (place,) = [n for n, line in enumerate(lines) if line.startswith(b'{"receipt":')]
    receipt = json.loads(lines[place])["receipt"]
    leaf, _, proof = receipt.partition("\n")
    for changed in (
        leaf[:-4] + "AAAA\n" + proof,
        f"{leaf}\n{proof.replace('index 0', 'index 1')}",
        f"{leaf}\n{proof[:-8]}AAAAAAA=",
        leaf,
        "",
    ):
        line = dumps({"receipt": changed}) + b"\n"
        found = kinds(check(resealed([*lines[:place], line, *lines[place + 1 :]])))
        assert found == ["receipt-invalid"], changed
    without = [*lines[:place], *lines[place + 1 :]]
    assert kinds(check(resealed(without))) == ["receipt-missing"]
    for other in (place - 1, place - 2):
        moved = [*without[:other], lines[place], *without[other:]]
        assert "bundle-malformed" in kinds(check(resealed(moved)))
    doubled = [*lines[:place], lines[place], *lines[place:]]
    assert "bundle-malformed" in kinds(check(resealed(doubled)))
    for at in range(12, len(lines[place]) - 3, 29):
        line = lines[place][:at] + bytes([lines[place][at] ^ 1]) + lines[place][at + 1 :]
        assert kinds(check(resealed([*lines[:place], line, *lines[place + 1 :]]))) != [], at
