"""References: reversible by the owner, meaningless and unlinkable to anybody else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.federation.references import MAX_INTERNAL_KEY, ReferenceForeign, References

MASTER = bytes(range(32))
keys = st.integers(min_value=0, max_value=MAX_INTERNAL_KEY)
names = st.text("abcdefghijklmnopqrstuvwxyz.-0123456789", min_size=1, max_size=40)
epochs = st.integers(min_value=0, max_value=2**32 - 1)


@given(st.lists(keys, max_size=50), names, names, epochs)
def test_the_owner_turns_every_reference_back_into_its_record(
    batch: list[int], peer: str, collection: str, epoch: int
) -> None:
    references = References(MASTER)
    made = references.make(peer, collection, epoch, batch)
    assert [references.resolve(peer, collection, text) for text in made] == [
        (k, epoch) for k in batch
    ]
    assert all(len(text) == 32 for text in made)


@given(st.lists(keys, min_size=1, max_size=20, unique=True), names, names, epochs)
def test_a_batch_is_the_same_as_one_by_one_and_distinct_records_stay_distinct(
    batch: list[int], peer: str, collection: str, epoch: int
) -> None:
    references = References(MASTER)
    made = references.make(peer, collection, epoch, batch)
    assert made == [references.make(peer, collection, epoch, [k])[0] for k in batch]
    assert len(set(made)) == len(batch)


@given(keys, names, names, names, epochs)
def test_one_record_has_unlinkable_references_for_other_peers_collections_and_epochs(
    key: int, peer: str, other: str, collection: str, epoch: int
) -> None:
    references = References(MASTER)
    (mine,) = references.make(peer, collection, epoch, [key])
    elsewhere = [
        references.make(peer, collection, (epoch + 1) % 2**32, [key])[0],
        References(bytes(32)).make(peer, collection, epoch, [key])[0],
    ]
    if other != peer:
        elsewhere.append(references.make(other, collection, epoch, [key])[0])
    if other != collection:
        elsewhere.append(references.make(peer, other, epoch, [key])[0])
    # beside the epoch, which is in the clear, nothing is shared
    assert all(text[7:] != mine[7:] for text in elsewhere)


@given(keys, names, st.integers(min_value=32, max_value=159))
def test_a_reference_with_any_changed_bit_of_its_block_is_refused(
    key: int, peer: str, bit: int
) -> None:
    import base64

    references = References(MASTER)
    (mine,) = references.make(peer, "trials", 7, [key])
    raw = bytearray(base64.b32decode(mine.upper()))
    raw[bit // 8] ^= 1 << bit % 8
    forged = base64.b32encode(bytes(raw)).decode().lower()
    with pytest.raises(ReferenceForeign):
        references.resolve(peer, "trials", forged)


@given(st.text(max_size=60))
def test_any_text_resolves_or_is_named_foreign(text: str) -> None:
    with pytest.raises(ReferenceForeign):
        References(MASTER).resolve("lab.example", "trials", text)


def test_a_reference_given_to_one_peer_does_not_resolve_for_another() -> None:
    references = References(MASTER)
    (mine,) = references.make("lab.example", "trials", 3, [42])
    with pytest.raises(ReferenceForeign, match="rival"):
        references.resolve("rival.example", "trials", mine)


def test_names_cannot_be_shifted_into_each_other() -> None:
    references = References(MASTER)
    assert references.make("ab", "c", 0, [1]) != references.make("a", "bc", 0, [1])


def test_people_may_type_upper_case() -> None:
    references = References(MASTER)
    (mine,) = references.make("lab.example", "trials", 3, [42])
    assert references.resolve("lab.example", "trials", mine.upper()) == (42, 3)


@pytest.mark.parametrize("key", [-1, 2**63])
def test_keys_that_no_store_can_hold_are_refused(key: int) -> None:
    with pytest.raises(ValueError, match="internal key"):
        References(MASTER).make("a", "b", 0, [key])


def test_a_short_master_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32"):
        References(b"short")
