"""Commitments to contents: equal for one text under one key, and of no use under another."""

import hashlib
import hmac
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from protocol.content_commitment import commit
from protocol.notation import from_base64url

KEY, OTHER = "000000000000000000003A", "000000000000000000004A"


def test_a_commitment_is_what_the_specification_says() -> None:
    digest = hashlib.sha256(b"one text").digest()
    keyed = hmac.digest(from_base64url(KEY), b"interlingua-content-v1\0" + digest, "sha256")
    assert from_base64url(commit(KEY, " one\n text ")) == keyed[:16]


@given(st.text())
def test_wrapping_and_composition_of_letters_do_not_make_another_text(text: str) -> None:
    spread = "\t\n".join(["", *text.split(), ""])
    assert commit(KEY, spread) == commit(KEY, text)
    assert commit(KEY, unicodedata.normalize("NFD", text)) == commit(KEY, text)


@given(st.text(), st.text())
def test_other_texts_and_other_keys_give_other_commitments(one: str, other: str) -> None:
    same = unicodedata.normalize("NFC", one).split() == unicodedata.normalize("NFC", other).split()
    assert (commit(KEY, one) == commit(KEY, other)) is same
    assert commit(KEY, one) != commit(OTHER, one)
