"""A key's name follows from the key."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.thumbprint import KID_CHARS, thumbprint


def test_rfc_8037_appendix_a3() -> None:
    public = base64.urlsafe_b64decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
    assert thumbprint(public) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_different_keys_have_different_names_of_equal_length(a: bytes, b: bytes) -> None:
    assert (thumbprint(a) == thumbprint(b)) == (a == b)
    assert len(thumbprint(a)) == KID_CHARS


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_key_of_another_length_has_no_name(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        thumbprint(bytes(length))
