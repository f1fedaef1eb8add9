"""Root documents: trust starts at a pinned key and moves one signed version at a time."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from protocol.dsse import add_signatures, sign
from protocol.notation import to_base64url
from protocol.root import (
    ROOT_TYPE,
    RevokedKey,
    RootDocument,
    RootRefused,
    accept_root,
    authority_of,
)
from tests.protocol.organisation import DAY_S, NOW, key, root, signed_root, signer

PIN = signer("root 1").kid
FIRST = root()
TWO_ROOTS = (key("root 1", "root"), key("root 2", "root"))


def revoked(name: str) -> RevokedKey:
    return RevokedKey(kid=signer(name).kid, at=NOW, reason="stolen")


def second(**changes: Any) -> RootDocument:
    """Version 2, issued a day later."""
    return root(**{"version": 2, "issued": NOW + DAY_S, "expires": NOW + 80 * DAY_S, **changes})


def reason(
    raw: bytes,
    previous: RootDocument | None = None,
    pin: str | None = PIN,
    at: int = NOW + DAY_S,
    **options: Any,
) -> str:
    with pytest.raises(RootRefused) as caught:
        accept_root(raw, pin, previous, at, **options)
    assert str(caught.value)
    return caught.value.reason


def test_the_first_document_is_accepted_under_the_pinned_key() -> None:
    accepted = accept_root(signed_root(FIRST), PIN, None, NOW, organisation="clinic.example")
    assert accepted == FIRST
    assert accepted.digest == FIRST.digest


def test_a_later_version_can_be_the_first_one_seen() -> None:
    assert accept_root(signed_root(second()), PIN, None, NOW + DAY_S).version == 2


def test_the_next_version_is_accepted_by_both_sets_of_root_keys() -> None:
    document = second(roots=(key("root 2", "root"),))
    raw = signed_root(document, "root 1", "root 2")
    assert accept_root(raw, None, FIRST, NOW + DAY_S) == document
    assert reason(signed_root(document, "root 1"), FIRST) == "unknown-key"
    assert reason(signed_root(document, "root 2"), FIRST) == "unknown-key"


def test_root_keys_can_sign_one_after_the_other() -> None:
    document = second(roots=(key("root 2", "root"),))
    raw = add_signatures(signed_root(document, "root 2"), ROOT_TYPE, [signer("root 1")])
    assert accept_root(raw, None, FIRST, NOW + DAY_S) == document


def test_the_same_document_again_is_accepted_until_it_expires() -> None:
    assert accept_root(signed_root(FIRST), PIN, FIRST, NOW + DAY_S) == FIRST
    assert reason(signed_root(FIRST), FIRST, at=FIRST.expires) == "expired"


def test_without_pin_and_without_predecessor_nothing_is_trusted() -> None:
    assert reason(signed_root(FIRST), pin=None) == "pin"
    assert reason(signed_root(FIRST), pin=signer("other").kid) == "pin"


def test_the_pinned_key_must_have_signed_and_not_only_be_named() -> None:
    document = root(roots=TWO_ROOTS)
    assert reason(signed_root(document, "root 2")) == "pin"
    assert accept_root(signed_root(document, "root 1"), PIN, None, NOW) == document


def test_a_pin_says_nothing_any_more_once_there_is_a_predecessor() -> None:
    document = second(roots=(key("root 2", "root"),))
    raw = signed_root(document, "root 1", "root 2")
    assert accept_root(raw, signer("other").kid, FIRST, NOW + DAY_S) == document


def test_another_organisation_is_refused() -> None:
    other = root(organisation="other.example")
    assert reason(signed_root(other), organisation="clinic.example") == "organisation"
    assert reason(signed_root(second(organisation="other.example")), FIRST) == "organisation"


def test_versions_never_go_back_and_never_skip() -> None:
    assert reason(signed_root(FIRST), second()) == "rollback"
    later = root(issued=NOW + DAY_S, expires=NOW + 2 * DAY_S)
    assert reason(signed_root(later), second()) == "rollback"
    assert reason(signed_root(second(version=3)), FIRST) == "gap"
    assert reason(signed_root(second(issued=NOW - 1, expires=NOW + DAY_S * 2)), FIRST) == "rollback"


def test_two_documents_of_one_version_are_a_fork() -> None:
    assert reason(signed_root(root(expires=NOW + 80 * DAY_S)), FIRST) == "fork"


def test_a_missed_version_is_made_up_for_one_by_one_even_if_expired() -> None:
    long_after = NOW + 100 * DAY_S
    two = second(roots=(key("root 2", "root"),))
    three = root(
        version=3,
        issued=long_after,
        expires=long_after + DAY_S,
        roots=(key("root 2", "root"),),
    )
    raw_two, raw_three = signed_root(two, "root 1", "root 2"), signed_root(three, "root 2")
    assert reason(raw_three, FIRST, at=long_after) == "gap"
    assert reason(raw_two, FIRST, at=long_after) == "expired"
    between = accept_root(raw_two, None, FIRST, long_after, intermediate=True)
    assert accept_root(raw_three, None, between, long_after) == three


def test_a_threshold_holds_for_both_versions() -> None:
    strict = root(roots=TWO_ROOTS, threshold=2)
    assert reason(signed_root(strict, "root 1")) == "signatures"
    assert accept_root(signed_root(strict, "root 1", "root 2"), PIN, None, NOW) == strict
    relaxed = second(roots=TWO_ROOTS)
    assert reason(signed_root(relaxed, "root 1"), strict) == "signatures"
    assert accept_root(signed_root(relaxed, "root 1", "root 2"), None, strict, NOW + DAY_S)


@pytest.mark.parametrize("offset", [-30, 0, 1])
def test_a_document_is_early_only_beyond_the_clock_skew(offset: int) -> None:
    assert accept_root(signed_root(FIRST), PIN, None, NOW + offset) == FIRST
    assert reason(signed_root(FIRST), at=NOW - 31) == "early"


def test_a_document_expires_after_ninety_days_at_the_latest() -> None:
    last = FIRST.expires - 1
    assert accept_root(signed_root(FIRST), PIN, None, last) == FIRST
    assert reason(signed_root(FIRST), at=FIRST.expires) == "expired"
    assert reason(signed_root(root(expires=NOW + 90 * DAY_S + 1))) == "lifetime"
    assert reason(signed_root(root(expires=NOW)), at=NOW) == "lifetime"


def test_nobody_elses_signature_counts() -> None:
    assert reason(signed_root(FIRST, "other")) == "unknown-key"
    assert reason(signed_root(FIRST, "sign 1")) == "unknown-key"
    forged = sign(FIRST.payload + b" ", ROOT_TYPE, [signer("root 1")])
    assert reason(forged) == "form"


def test_a_broken_signature_is_one_too_few() -> None:
    raw = signed_root(FIRST)
    broken = raw.replace(b'"sig":"', b'"sig":"AAAA', 1).replace(b'=="}', b"==", 1)
    assert reason(broken) == "form"
    other = signed_root(root(url="https://clinic.example:8443", expires=NOW + DAY_S))
    payload = raw.split(b'"signatures"')[0]
    assert reason(payload + b'"signatures"' + other.split(b'"signatures"')[1]) == "signatures"


@pytest.mark.parametrize(
    ("period", "at"), [({"not_after": NOW + 10}, NOW + 10), ({"not_before": NOW + 5}, NOW + 4)]
)
def test_a_root_key_outside_its_period_does_not_count(period: dict[str, int], at: int) -> None:
    document = root(roots=(key("root 1", "root", **period),))
    assert reason(signed_root(document), at=at) == "expired-key"


def test_a_predecessors_root_key_must_still_be_valid() -> None:
    first = root(roots=(key("root 1", "root", not_after=NOW + DAY_S),))
    document = second(roots=(key("root 1", "root"),))
    assert reason(signed_root(document), first) == "expired-key"


def test_a_revoked_root_key_counts_in_neither_version() -> None:
    before = root(roots=TWO_ROOTS)
    document = second(roots=(key("root 2", "root"),), revocations=(revoked("root 1"),))
    assert reason(signed_root(document, "root 1"), before) == "revoked-key"
    assert accept_root(signed_root(document, "root 2"), None, before, NOW + DAY_S) == document
    assert accept_root(signed_root(document, "root 1", "root 2"), None, before, NOW + DAY_S)


def test_an_only_root_key_cannot_vouch_for_a_successor_that_revokes_it() -> None:
    document = second(roots=(key("root 2", "root"),), revocations=(revoked("root 1"),))
    assert reason(signed_root(document, "root 1", "root 2"), FIRST) == "revoked-key"
    without_revoking = second(roots=(key("root 2", "root"),))
    assert accept_root(signed_root(without_revoking, "root 1", "root 2"), None, FIRST, NOW + DAY_S)


def test_a_revoked_key_never_comes_back() -> None:
    before = root(revocations=(revoked("sign 0"),))
    assert reason(signed_root(second()), before) == "revoked-key"
    back = second(keys=(key("sign 0", "sign"),), revocations=(revoked("sign 0"),))
    assert reason(signed_root(back), before) == "revoked-key"
    kept = second(revocations=(revoked("sign 0"),))
    assert accept_root(signed_root(kept), None, before, NOW + DAY_S) == kept


def test_one_key_has_one_purpose_for_ever() -> None:
    double = root(keys=(key("card 1", "card"), key("card 1", "sign")))
    assert reason(signed_root(double)) == "reused-key"
    as_root = root(keys=(key("root 1", "sign"),))
    assert reason(signed_root(as_root)) == "reused-key"
    later = second(keys=(key("card 1", "sign"),))
    assert reason(signed_root(later), FIRST) == "reused-key"


def test_the_ring_knows_all_keys_and_revocations() -> None:
    ring = root(revocations=(revoked("sign 0"),)).ring
    assert set(ring.records) == {signer(n).kid for n in ("root 1", "card 1", "sign 1", "log 1")}
    assert set(ring.revocations) == {signer("sign 0").kid}
    assert ring.usable(signer("sign 1").kid, "sign", NOW).public == signer("sign 1").public


def test_a_changed_copy_has_the_ring_of_its_own_keys() -> None:
    document = root()
    assert signer("sign 1").kid in document.ring.records
    changed = document.model_copy(update={"keys": ()})
    assert signer("sign 1").kid not in changed.ring.records


def test_a_changed_copy_has_a_digest_of_its_own() -> None:
    document = root()
    assert document.digest != document.model_copy(update={"keys": ()}).digest


FIELDS = FIRST.model_dump(mode="json")


@pytest.mark.parametrize(
    "change",
    [
        {"more": 1},
        {"v": 2},
        {"v": True},
        {"version": 0},
        {"version": "1"},
        {"version": True},
        {"organisation": "Clinic.example"},
        {"issued": 1.5},
        {"threshold": 0},
        {"threshold": 2},
        {"roots": []},
        {"roots": FIELDS["keys"]},
        {"keys": FIELDS["roots"]},
        {"keys": [{**FIELDS["keys"][0], "kid": PIN}]},
        {"keys": [{**FIELDS["keys"][0], "public": to_base64url(bytes(32))}]},
        {"keys": [{**FIELDS["keys"][0], "public": FIELDS["keys"][0]["public"][:-1] + "_"}]},
        {"keys": [{**FIELDS["keys"][0], "purpose": "admin"}]},
        {"keys": [{**FIELDS["keys"][0], "not_after": 0}]},
        {"revocations": [{"kid": "x", "at": 1, "reason": "r"}]},
        {"authorities": []},
        {"authorities": ["other.example"]},
        {"url": "https://other.example:8443"},
        {"url": "https://clinic.example:8443/"},
    ],
)
def test_another_form_is_refused_even_if_signed(change: dict[str, Any]) -> None:
    raw = sign(
        orjson.dumps({**FIELDS, **change}, option=orjson.OPT_SORT_KEYS),
        ROOT_TYPE,
        [signer("root 1")],
    )
    assert reason(raw) == "form"
    with pytest.raises(ValidationError):
        RootDocument.model_validate({**FIELDS, **change})


def test_a_refusal_names_a_member_without_its_control_characters() -> None:
    raw = sign(orjson.dumps({**FIELDS, "\x1b]0;x\x07\n": 1}), ROOT_TYPE, [signer("root 1")])
    with pytest.raises(RootRefused) as refused:
        accept_root(raw, PIN, None, NOW)
    assert str(refused.value).isprintable()
    assert "?]0;x??" in str(refused.value)


@pytest.mark.parametrize(
    "respell",
    [
        lambda payload: payload + b"\n",
        lambda payload: payload.replace(b'"v":1', b'"v": 1'),
        lambda payload: payload.replace(b"clinic.example:", b"clinic\\u002eexample:"),
        lambda payload: payload.replace(b'"revocations":[],', b""),
    ],
)
def test_a_payload_that_is_not_canonical_is_refused(respell: Callable[[bytes], bytes]) -> None:
    payload = respell(FIRST.payload)
    assert payload != FIRST.payload
    assert reason(sign(payload, ROOT_TYPE, [signer("root 1")])) == "form"


@given(st.data())
def test_any_changed_byte_is_refused_by_name_or_changes_nothing(data: st.DataObject) -> None:
    raw = bytearray(signed_root(FIRST))
    at = data.draw(st.integers(min_value=0, max_value=len(raw) - 1))
    raw[at] = data.draw(st.integers(min_value=0, max_value=255))
    try:
        accepted = accept_root(bytes(raw), PIN, None, NOW)
    except RootRefused:
        return
    assert accepted == FIRST


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_by_name(raw: bytes) -> None:
    assert reason(raw) == "form"


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://clinic.example", "clinic.example"),
        ("https://clinic.example:443", "clinic.example"),
        ("https://clinic.example:8443", "clinic.example:8443"),
        ("http://clinic.example:80", "clinic.example"),
        ("http://clinic.example:443", "clinic.example:443"),
        ("https://[::1]:8443", "[::1]:8443"),
    ],
)
def test_an_authority_leaves_the_default_port_out(url: str, authority: str) -> None:
    assert authority_of(url) == authority


def test_an_asker_only_organisation_has_neither_address_nor_authorities() -> None:
    document = root(url=None, authorities=())
    accepted = accept_root(signed_root(document), signer("root 1").kid, None, NOW)
    assert accepted.url is None


@pytest.mark.parametrize("change", [{"url": None}, {"authorities": ()}])
def test_an_address_without_authorities_or_the_reverse_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="url"):
        root(**change)
