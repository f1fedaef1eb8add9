"""A key is used only for its purpose, within its period, and never after its revocation."""

from dataclasses import replace

import pytest

from keys.ring import PURPOSES, KeyPurpose, KeyRecord, KeyRefused, KeyRing, Revocation
from keys.signer import SeedSigner

SIGNER = SeedSigner.from_seed(bytes(31) + b"\1")
RECORD = KeyRecord.of(SIGNER.public, "sign", 1_000, 2_000)
RING = KeyRing([RECORD])


def reason(ring: KeyRing, kid: str, purpose: KeyPurpose, at: int) -> str:
    with pytest.raises(KeyRefused) as caught:
        ring.usable(kid, purpose, at)
    assert kid[:64] in str(caught.value)
    return caught.value.reason


@pytest.mark.parametrize("at", [1_000, 1_500, 1_999])
def test_a_key_is_usable_from_its_first_to_before_its_last_second(at: int) -> None:
    assert RING.usable(SIGNER.kid, "sign", at) is RECORD


def test_each_refusal_has_its_name() -> None:
    revoked = KeyRing([RECORD], [Revocation(SIGNER.kid, 1_900, "stolen")])
    assert reason(RING, SIGNER.kid, "sign", 999) == "early"
    assert reason(RING, SIGNER.kid, "sign", 2_000) == "expired"
    assert reason(RING, SIGNER.kid, "card", 1_500) == "purpose"
    assert reason(RING, SeedSigner.generate().kid, "sign", 1_500) == "unknown"
    assert reason(revoked, SIGNER.kid, "sign", 1_950) == "revoked"


def test_a_revoked_key_is_refused_also_for_times_before_its_revocation() -> None:
    ring = KeyRing([RECORD], [Revocation(SIGNER.kid, 1_900, "stolen")])
    assert reason(ring, SIGNER.kid, "sign", 1_001) == "revoked"


def test_a_kid_that_only_the_revocations_know_is_revoked_rather_than_unknown() -> None:
    ring = KeyRing([], [Revocation(SIGNER.kid, 1_900, "stolen")])
    assert reason(ring, SIGNER.kid, "sign", 1_500) == "revoked"


@pytest.mark.parametrize("purpose", [p for p in PURPOSES if p != "sign"])
def test_no_key_serves_another_purpose(purpose: KeyPurpose) -> None:
    assert reason(RING, SIGNER.kid, purpose, 1_500) == "purpose"


def test_a_strange_kid_is_cut_short_in_the_message() -> None:
    with pytest.raises(KeyRefused) as caught:
        RING.usable("x" * 10_000, "sign", 1_500)
    assert len(str(caught.value)) < 300


def test_all_usable_lists_valid_keys_of_the_purpose_longest_lived_first() -> None:
    old, new, future, stolen = (SeedSigner.from_seed(bytes([n]) * 32) for n in range(4))
    ring = KeyRing(
        [
            RECORD,
            KeyRecord.of(old.public, "card", 1_000, 2_000),
            KeyRecord.of(new.public, "card", 1_000, 3_000),
            KeyRecord.of(future.public, "card", 1_600, 4_000),
            KeyRecord.of(stolen.public, "card", 1_000, 5_000),
        ],
        [Revocation(stolen.kid, 1_200, "stolen")],
    )
    assert [r.kid for r in ring.all_usable("card", 1_500)] == [new.kid, old.kid]


def test_one_key_under_two_purposes_is_refused() -> None:
    with pytest.raises(ValueError, match="named twice"):
        KeyRing([RECORD, replace(RECORD, purpose="card")])


def test_a_record_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="thumbprint"):
        replace(RECORD, kid=SeedSigner.generate().kid)
    with pytest.raises(ValueError, match="never valid"):
        replace(RECORD, not_after=RECORD.not_before)
    with pytest.raises(ValueError, match="sound"):
        KeyRecord.of(b"\1" + bytes(31), "sign", 1_000, 2_000)
    with pytest.raises(ValueError, match="purpose"):
        KeyRecord.of(SIGNER.public, "admin", 1_000, 2_000)  # type: ignore[arg-type] # the point


def test_a_ring_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        RING.records["x"] = RECORD  # type: ignore[index] # the point
