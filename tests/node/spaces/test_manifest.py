import json
from collections.abc import Mapping

import numpy as np
import pytest
from pydantic import ValidationError

from adapters.tensor_file import encode_tensors, file_digest
from keys.ring import KeyRecord, KeyRing, Revocation
from keys.signer import SeedSigner
from node.spaces.errors import ManifestRefused
from node.spaces.manifest import (
    CONSENSUS_FORMAT,
    SPACE_TYPE,
    RingOf,
    SpaceManifest,
    accept_manifest,
    accept_positions,
    count_signatures,
    countersign,
    sign_manifest,
)
from protocol.canonical import dumps
from protocol.dsse import sign
from tests.node.spaces.consortium import AT, created, ring

AUTHOR, FOUNDER, STRANGER = (SeedSigner.from_seed(bytes([i]) * 32) for i in (1, 2, 3))


def known(**rings: KeyRing) -> RingOf:
    by_name: Mapping[str, KeyRing] = {f"{name}.example": each for name, each in rings.items()}
    return by_name.get


def manifest(**changes: object) -> SpaceManifest:
    return SpaceManifest.model_validate({**created()[0].model_dump(), **changes})


def test_a_manifest_counts_when_its_author_signed_it() -> None:
    raw = sign_manifest(manifest(), [AUTHOR])
    assert accept_manifest(raw, known(a=ring(AUTHOR)), AT) == manifest()


def test_a_manifest_that_names_no_method_is_older_than_the_choice_and_still_counts() -> None:
    old = json.loads(manifest().payload)
    del old["method"]
    raw = sign(dumps(old), SPACE_TYPE, [AUTHOR])
    assert accept_manifest(raw, known(a=ring(AUTHOR)), AT) == manifest(method="procrustes")
    assert manifest(method="procrustes").payload == dumps(old)
    assert b'"method":"whitened"' in manifest(method="whitened").payload


@pytest.mark.parametrize("method", ["procrustes", "another"])
def test_a_method_that_goes_without_saying_or_is_not_known_is_refused(method: str) -> None:
    fields = {**json.loads(manifest().payload), "method": method}
    raw = sign(dumps(fields), SPACE_TYPE, [AUTHOR])
    with pytest.raises(ManifestRefused, match="no manifest of a shared space"):
        accept_manifest(raw, known(a=ring(AUTHOR)), AT)


def test_a_founders_signature_counts_as_well() -> None:
    raw = sign_manifest(manifest(), [FOUNDER])
    assert accept_manifest(raw, known(b=ring(FOUNDER)), AT) == manifest()


def test_an_author_that_is_no_partner_is_named() -> None:
    raw = sign_manifest(manifest(), [AUTHOR])
    with pytest.raises(ManifestRefused, match=r"not partners here: a\.example"):
        accept_manifest(raw, known(), AT)


def revoked() -> KeyRing:
    record = KeyRecord.of(AUTHOR.public, "sign", AT - 1, AT + 1000)
    return KeyRing([record], [Revocation(record.kid, AT, "lost")])


def other_purpose() -> KeyRing:
    return KeyRing([KeyRecord.of(AUTHOR.public, "card", AT - 1, AT + 1000)])


@pytest.mark.parametrize(
    "rings",
    [
        known(a=ring(STRANGER)),
        known(z=ring(AUTHOR)),
        known(a=ring(AUTHOR, until=AT)),
        known(a=revoked()),
        known(a=other_purpose()),
    ],
    ids=["another key", "no member", "expired", "revoked", "another purpose"],
)
def test_signatures_that_do_not_count(rings: RingOf) -> None:
    with pytest.raises(ManifestRefused, match="needs 1 valid signatures"):
        accept_manifest(sign_manifest(manifest(), [AUTHOR]), rings, AT)


def test_the_threshold_counts_organisations_not_keys() -> None:
    wanted = manifest(threshold=2)
    second = SeedSigner.from_seed(b"9" * 32)
    two_keys = KeyRing(
        KeyRecord.of(each.public, "sign", AT - 1, AT + 9) for each in (AUTHOR, second)
    )
    with pytest.raises(ManifestRefused, match="needs 2"):
        accept_manifest(sign_manifest(wanted, [AUTHOR, second]), known(a=two_keys), AT)
    raw = sign_manifest(wanted, [AUTHOR, FOUNDER])
    assert accept_manifest(raw, known(a=ring(AUTHOR), b=ring(FOUNDER)), AT) == wanted


def test_a_founder_adds_its_signature_to_the_authors() -> None:
    wanted = manifest(threshold=2)
    raw = countersign(sign_manifest(wanted, [AUTHOR]), "b.example", [FOUNDER])
    assert count_signatures(raw) == 2
    assert accept_manifest(raw, known(a=ring(AUTHOR), b=ring(FOUNDER)), AT) == wanted


def test_the_signature_of_somebody_else_is_not_added() -> None:
    with pytest.raises(ManifestRefused, match="neither author nor founder"):
        countersign(sign_manifest(manifest(), [AUTHOR]), "z.example", [STRANGER])


def test_a_threshold_that_nobody_can_meet_is_no_manifest() -> None:
    with pytest.raises(ValidationError, match="threshold"):
        manifest(threshold=4)


def test_a_member_is_named_once() -> None:
    founders = created()[0].model_dump()["founders"]
    with pytest.raises(ValidationError, match="twice"):
        manifest(founders=(*founders, founders[0]))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        sign(b"{}", "application/vnd.interlingua.space+json", [AUTHOR]),
        sign(created()[0].payload, "application/vnd.interlingua.card+json", [AUTHOR]),
    ],
)
def test_other_documents_are_refused(raw: bytes) -> None:
    with pytest.raises(ManifestRefused, match="no manifest"):
        accept_manifest(raw, known(a=ring(AUTHOR)), AT)


def test_the_consensus_is_the_one_that_is_pinned() -> None:
    space, positions = created()
    read = accept_positions(positions.encoded, space)
    assert np.array_equal(read.positions, positions.positions)
    with pytest.raises(ManifestRefused, match="not the one"):
        accept_positions(positions.encoded + b" ", space)


@pytest.mark.parametrize("fault", ["rows", "order", "nan", "width", "dtype", "format", "tensors"])
def test_a_pinned_consensus_of_another_form_is_refused(fault: str) -> None:
    _, good = created()
    positions, rows, form = good.positions.copy(), good.rows.copy(), CONSENSUS_FORMAT
    if fault == "rows":
        rows = rows[:-1]
    elif fault == "order":
        rows[0], rows[1] = rows[1], rows[0]
    elif fault == "nan":
        positions[0, 0] = np.nan
    elif fault == "width":
        positions = positions[:, :-1].copy()
    elif fault == "dtype":
        positions = positions.astype(np.float64)
    elif fault == "format":
        form = "another"
    raw = encode_tensors({"positions": positions, "rows": rows}, {"format": form})
    if fault == "tensors":
        raw = encode_tensors({"positions": positions}, {"format": form})
    with pytest.raises(ManifestRefused, match=r"form|damaged"):
        accept_positions(raw, manifest(consensus=file_digest(raw)))
