"""A root document on its way to its root keys: what is signed is what was read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.root import RootRefused, accept_root
from protocol.root_draft import read_draft, sign_draft
from tests.protocol.organisation import NOW, card, root, signed_card, signer

DRAFT = root().payload


def test_a_draft_grows_by_signatures() -> None:
    once, first = sign_draft(DRAFT + b"\n", signer("root 1"))
    twice, second = sign_draft(once + b"\n", signer("root 2"))
    again, third = sign_draft(twice, signer("root 2"))
    assert (first, second, third) == (1, 2, 2)
    assert again == twice
    assert read_draft(twice) == root()
    assert accept_root(twice, signer("root 1").kid, None, NOW) == root()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        json.dumps(json.loads(DRAFT), indent=1).encode(),
        DRAFT.replace(b'"v":1', b'"v":2'),
        signed_card(card()),
    ],
)
def test_anything_else_is_refused(raw: bytes) -> None:
    with pytest.raises(RootRefused) as refused:
        sign_draft(raw, signer("root 1"))
    assert refused.value.reason == "form"


@given(st.binary(max_size=100), st.integers(0, len(DRAFT)))
def test_bytes_are_a_draft_or_are_refused_by_one_error(noise: bytes, at: int) -> None:
    for raw in (noise, DRAFT[:at] + noise + DRAFT[at:], DRAFT[:at] + noise):
        try:
            read_draft(raw)
        except RootRefused:
            continue
