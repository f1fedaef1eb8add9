"""An invitation in its two forms: read back as written, anything else one named error."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.canonical import dumps
from protocol.invitation import (
    PREFIX,
    Invitation,
    PairingRefused,
    read_invitation,
    write_invitation_file,
)
from protocol.limits import MAX_INVITATION_CHARS
from protocol.notation import to_base64url
from tests.protocol.organisation import card, root, signed_card, signed_root, signer

INVITATION = Invitation(
    organisation="clinic.example",
    url="https://clinic.example:8443",
    root=signer("root 1").kid,
    nonce="A" * 21 + "Q",
    expires=1_800_259_200,
)


@given(
    st.from_regex(r"\A[a-z0-9]{1,20}\.example\Z"),
    st.sampled_from([None, "http://127.0.0.1:8440", "https://" + "a" * 250]),
    st.binary(min_size=16, max_size=16),
    st.integers(min_value=0, max_value=2**53 - 1),
)
def test_an_invitation_is_read_as_it_was_written(
    organisation: str, url: str | None, nonce: bytes, expires: int
) -> None:
    made = Invitation(
        organisation=organisation,
        url=url,
        root=signer("root 1").kid,
        nonce=to_base64url(nonce),
        expires=expires,
    )
    assert read_invitation(f"\n {made.encode()} \r\n").invitation == made
    assert len(made.encode()) <= MAX_INVITATION_CHARS


def test_a_file_carries_the_documents() -> None:
    documents = signed_root(root()), signed_card(card())
    read = read_invitation(write_invitation_file(INVITATION, *documents) + b"\n")
    assert read.invitation == INVITATION
    assert (read.root, read.card) == documents


def test_the_longest_names_fit_into_a_line() -> None:
    longest = ".".join(["a" * 61] * 4)
    made = INVITATION.model_copy(
        update={"organisation": longest, "url": f"https://{'b' * 253}:65535"}
    )
    assert read_invitation(made.encode()).invitation == made


@pytest.mark.parametrize(
    "text",
    [
        "",
        PREFIX,
        INVITATION.encode().upper(),
        INVITATION.encode()[:-2],
        INVITATION.encode() + "=",
        INVITATION.encode().replace("-invite", "-invitation"),
        PREFIX + to_base64url(json.dumps(INVITATION.model_dump()).encode()),  # another spelling
        PREFIX + "A" * MAX_INVITATION_CHARS,
        "interlingua-invite:ä",
        "{}",
    ],
)
def test_what_is_no_invitation_is_refused(text: str) -> None:
    with pytest.raises(PairingRefused) as refused:
        read_invitation(text)
    assert refused.value.reason == "invitation-invalid"
    assert "peer invite" in refused.value.fix


REASONS = {None, "invitation-invalid"}


def judged(given_: str | bytes) -> str | None:
    """Why an invitation is refused, None where it is read; nothing else may happen."""
    try:
        read_invitation(given_)
    except PairingRefused as refused:
        return refused.reason
    return None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(st.text(max_size=64) | st.binary(max_size=64))
def test_any_text_ends_in_one_named_error(given_: str | bytes) -> None:
    raw = given_.encode("utf-8", "replace") if isinstance(given_, str) else given_
    assert {judged(given_), judged(b"{" + raw)} <= REASONS


@given(st.sampled_from([*Invitation.model_fields, "more"]), VALUES)
def test_any_member_ends_in_one_named_error(name: str, value: Any) -> None:
    fields = {**INVITATION.model_dump(), name: value}
    try:
        payload = dumps(fields)
    except ValueError:
        payload = json.dumps(fields).encode()
    assert judged(PREFIX + to_base64url(payload)) in REASONS


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["type", "invitation", "root", "card", "more"]), VALUES)
def test_any_member_of_the_file_ends_in_one_named_error(name: str, value: Any) -> None:
    whole = json.loads(write_invitation_file(INVITATION, b"{}", b"{}"))
    assert judged(json.dumps({**whole, name: value})) in REASONS
