"""A log of bank.example with questions of clinic.example, and bundles of it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from keys.ring import KeyRecord
from keys.signer import Signer
from keys.words import fingerprint
from node.audit.bundle_check import BundleCheck
from node.audit.entry import Entry
from node.audit.export import WrittenBundle, write_part
from protocol.bundle import roots_digest
from protocol.cosignature import cosign, with_cosignatures, witness_name
from protocol.leaf import Exported, Unanswered
from protocol.note import parse_note
from protocol.root import Key
from protocol.root_history import in_order
from protocol.tlog_proof import parse_proof, verify_receipt
from tests.node.audit.entries import LOG_KEY, ORIGIN, event, exchange, opened
from tests.node.audit.tampering import received
from tests.protocol.leaf_samples import AT, SIGNER, answered
from tests.protocol.organisation import root, signed_root, signer

YEAR_S = 365 * 86_400


def key(of: Signer, purpose: Any) -> Key:
    """The record of a key, valid around AT."""
    record = KeyRecord.of(of.public, purpose, not_before=AT - YEAR_S, not_after=AT + YEAR_S)
    return Key.of(record)


def document(organisation: str, **changes: Any) -> bytes:
    """A root document of an organisation whose root key has its name."""
    own = f"root of {organisation}"
    fields = {
        "organisation": organisation,
        "issued": AT - 86_400,
        "expires": AT + 86_400,
        "roots": (key(signer(own), "root"),),
        "keys": (key(LOG_KEY if organisation == "bank.example" else SIGNER, "log"),),
        **changes,
    }
    return signed_root(root(**fields), own)


def words(organisation: str) -> str:
    """The fingerprint of an organisation's root key."""
    return " ".join(fingerprint(signer(f"root of {organisation}").public))


BANK = document("bank.example")
CLINIC = document("clinic.example", keys=(key(SIGNER, "sign"),))
ROOTS = tuple(in_order([CLINIC, BANK]))

ENTRIES = (
    event("before"),
    exchange(1),
    Entry(answered(b'{"n":2}', purpose="treatment", charged=0, exposed=None)),
    exchange(3),
    Entry(Unanswered(at=AT + 5, peer="lab.example", query=answered().query, reason="deadline")),
    event("after"),
)


async def with_receipt(folder: Path, by: Signer | None = None) -> Path:
    """A bundle of a log that plays its own partner: one `received` leaf, and its receipt.

    `by`: court.example's witness key, which has cosigned the proof that followed.
    """
    log_file, out = folder / "log.db", folder / "bundle.jsonl"
    async with opened(log_file) as log:
        await log.append(exchange(0))
        receipt = log.receipt(0)
        proved = verify_receipt(receipt.leaf, receipt.proof, log.verifier_key, ORIGIN)
        await log.append(received(receipt.leaf, receipt.proof, proved))
        if by is not None:
            later = parse_proof(log.receipt(0).proof)
            text = parse_note(later.checkpoint).text
            line = cosign(text, witness_name("court.example"), by, AT)
            note = with_cosignatures(later.checkpoint, [line])
            log.keep_witnessed([(1, replace(later, checkpoint=note).encode())])
        exported = Exported(at=AT + 9, begins=0, ends=2, roots=roots_digest(ROOTS))
        index = (await log.append(Entry(exported))).index
    with out.open("xb") as file:
        write_part(log_file, index, ROOTS, file)
    return out


async def exported(
    folder: Path,
    begins: int = 0,
    ends: int = len(ENTRIES),
    roots: Sequence[bytes] = ROOTS,
    **told: Any,
) -> Path:
    """Write a log of ENTRIES, an export, and two leaves more; return the bundle."""
    log_file, out = folder / "log.db", folder / "bundle.jsonl"
    async with opened(log_file) as log:
        for entry in ENTRIES:
            await log.append(entry)
        fields = {"at": AT + 9, "begins": begins, "ends": ends, "roots": roots_digest(roots)}
        receipt = await log.append(Entry(Exported(**{**fields, **told})))
        await log.append(event("later"))
        await log.append(event("last"))
    with out.open("xb") as file:
        written: WrittenBundle = write_part(log_file, receipt.index, roots, file)
    assert written.bytes == out.stat().st_size
    assert written.clear + written.hidden == ends - begins
    return out


def check(content: bytes, *fingerprints: str, **told: Any) -> BundleCheck:
    """Check a bundle's bytes."""
    return BundleCheck(content.splitlines(keepends=True), fingerprints, **told)


def kinds(checked: BundleCheck) -> list[str]:
    """The kinds of what is wrong."""
    return [found.kind for found in checked.findings.listed]
