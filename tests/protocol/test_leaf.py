"""Leaves: one canonical spelling a leaf, every type known, everything else refused."""

import json
from collections.abc import Callable
from typing import get_args

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from protocol.leaf import AnyLeaf, Leaf, MalformedLeaf, Refused, decode_leaf
from protocol.limits import MAX_LEAF_BYTES
from tests.protocol.leaf_samples import AT, answered, every_leaf

LEAVES = every_leaf()


def test_the_samples_cover_every_type() -> None:
    assert {type(leaf) for leaf in LEAVES} == set(get_args(AnyLeaf))


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.type)
def test_a_leaf_is_canonical_json_and_reads_back(leaf: Leaf) -> None:
    raw = leaf.encode()
    assert decode_leaf(raw) == leaf
    assert rfc8785.dumps(json.loads(raw)) == raw
    assert b"null" not in raw


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.type)
def test_an_unknown_or_missing_field_is_refused(leaf: Leaf) -> None:
    fields = json.loads(leaf.encode())
    with pytest.raises(MalformedLeaf, match="Extra inputs"):
        decode_leaf(rfc8785.dumps({**fields, "zebra": 1}))
    for name in ("at", "salt", "type", "v"):
        with pytest.raises(MalformedLeaf):
            decode_leaf(rfc8785.dumps({k: v for k, v in fields.items() if k != name}))


def test_the_version_is_the_number_one_and_not_what_python_holds_equal_to_it() -> None:
    fields = json.loads(answered().encode())
    for wrong in (True, 1.0, "1"):
        with pytest.raises(ValidationError, match="v"):
            type(answered()).model_validate({**fields, "v": wrong})


def test_an_unknown_type_or_version_is_refused() -> None:
    fields = json.loads(answered().encode())
    for change in ({"type": "gossip"}, {"v": 2}, {"v": True}, {"at": str(AT)}, {"at": float(AT)}):
        with pytest.raises(MalformedLeaf):
            decode_leaf(json.dumps({**fields, **change}, separators=(",", ":")).encode())


@pytest.mark.parametrize(
    "spell",
    [
        lambda raw: raw + b" ",
        lambda raw: b"\xef\xbb\xbf" + raw,
        lambda raw: raw.replace(b'"v":1', b'"v":1,"v":1'),
        lambda raw: raw.replace(b'"v":1', b'"v": 1'),
        lambda raw: raw.replace(b'"v":1', b'"v":1.0'),
        lambda raw: raw.replace(b'"research"', b'"rese\\u0061rch"'),
        lambda raw: raw.replace(b',"epoch":3', b',"epoch":null'),
        lambda raw: b'{"v":1,' + raw.replace(b',"v":1', b"")[1:],
        lambda raw: raw[:-1],
        lambda raw: b"[" + raw + b"]",
    ],
)
def test_another_spelling_is_refused(spell: Callable[[bytes], bytes]) -> None:
    raw = answered().encode()
    assert spell(raw) != raw
    with pytest.raises(MalformedLeaf):
        decode_leaf(spell(raw))


def test_a_leaf_never_outgrows_its_length_prefix() -> None:
    counts = {f"code-{'x' * 55}{number:03}": 2**53 - 1 for number in range(64)}
    assert len(Refused(at=AT, minute=AT, counts=counts).encode()) < MAX_LEAF_BYTES
    with pytest.raises(MalformedLeaf, match="at most"):
        decode_leaf(b"x" * (MAX_LEAF_BYTES + 1))


def test_two_equal_events_have_different_leaves() -> None:
    assert answered().encode() != answered().encode()


@given(st.binary(max_size=200))
def test_any_bytes_are_a_leaf_or_one_named_error(raw: bytes) -> None:
    with pytest.raises(MalformedLeaf):
        decode_leaf(raw)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_makes_another_leaf_or_none(place: int, mask: int) -> None:
    raw = answered().encode()
    place %= len(raw)
    changed = raw[:place] + bytes([raw[place] ^ mask]) + raw[place + 1 :]
    try:
        leaf = decode_leaf(changed)
    except MalformedLeaf:
        return
    assert leaf.encode() == changed
