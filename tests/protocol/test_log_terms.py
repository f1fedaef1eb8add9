"""Which log key may sign which tree: one for each size, two where one hands over to the next."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from protocol.log_errors import BeyondTerm, UntrustedNote
from protocol.log_keys import LogKeys
from protocol.log_terms import LogTerm, check_terms, contradiction, extended
from protocol.note import VerifierKey
from protocol.root import RootDocument, RootRefused, accept_root
from protocol.root_changes import log_keys, successor, with_terms
from tests.protocol.organisation import NOW, key, root, signed_root, signer

ORIGIN = "clinic.example/log"
NAMES = tuple(f"log {n}" for n in range(1, 7))
SIZES = st.integers(min_value=0, max_value=60)
BOUNDS = st.lists(st.integers(1, 50), min_size=1, max_size=4, unique=True).map(sorted)
"""Sizes at which one key handed over to the next."""


def terms(bounds: list[int], *, origin: str = ORIGIN, first: int = 0) -> tuple[LogTerm, ...]:
    edges = [0, *bounds, None]
    return tuple(
        LogTerm.of(origin, signer(NAMES[first + n]).public, begin or 0, end)
        for n, (begin, end) in enumerate(pairwise(edges))
    )


def note(size: int, *names: str, origin: str = ORIGIN) -> bytes:
    return sign_checkpoint(Checkpoint(origin, size, bytes(32)), *(signer(name) for name in names))


def counts(raw: bytes, keys: LogKeys) -> bool:
    try:
        open_checkpoint(raw, ORIGIN, keys)
    except (BeyondTerm, UntrustedNote):
        return False
    return True


@given(BOUNDS, SIZES)
def test_each_size_has_one_key_and_two_where_one_hands_over(bounds: list[int], size: int) -> None:
    keys = LogKeys.of_terms(ORIGIN, terms(bounds), ())
    signing = [n for n in range(len(bounds) + 1) if counts(note(size, NAMES[n]), keys)]
    passed = sum(bound < size for bound in bounds)
    assert signing == ([passed, passed + 1] if size in bounds else [passed])


@given(BOUNDS, SIZES)
def test_a_key_without_a_term_follows_the_last_one_that_is_known(
    bounds: list[int], size: int
) -> None:
    planned = signer("log 6").public
    keys = LogKeys.of_terms(ORIGIN, terms(bounds), (planned, signer("log 1").public))
    assert counts(note(size, "log 6"), keys) == (size >= bounds[-1])
    assert counts(note(size, "log 1"), keys) == (size <= bounds[0])


@given(BOUNDS, SIZES)
def test_a_term_says_nothing_about_another_log(bounds: list[int], size: int) -> None:
    other = terms(bounds, origin="clinic.example/log-2")
    publics = [term.key for term in other]
    keys = LogKeys.of_terms(ORIGIN, other, [*publics, signer("log 6").public])
    assert [counts(note(size, name), keys) for name in ("log 1", "log 2", "log 6")] == [
        False,
        False,
        True,
    ]


@given(BOUNDS, SIZES)
def test_of_several_signatures_one_within_its_term_is_enough(bounds: list[int], size: int) -> None:
    keys = LogKeys.of_terms(ORIGIN, terms(bounds), ())
    everybody = NAMES[: len(bounds) + 1]
    assert counts(note(size, *everybody), keys)
    assert not counts(note(size, "a stranger"), keys)


def test_a_refused_checkpoint_names_key_and_term() -> None:
    keys = LogKeys.of_terms(ORIGIN, terms([9]), ())
    with pytest.raises(BeyondTerm, match=rf"10 leaves.*{signer('log 1').kid} signs from 0.* to 9"):
        open_checkpoint(note(10, "log 1"), ORIGIN, keys)
    one = VerifierKey(ORIGIN, signer("log 1").public)
    assert open_checkpoint(note(10, "log 1"), ORIGIN, one).size == 10


@given(BOUNDS, BOUNDS)
def test_what_was_stated_is_only_gone_on_with(bounds: list[int], others: list[int]) -> None:
    before, after = terms(bounds), terms(others)
    goes_on = others[: len(bounds)] == bounds
    assert (contradiction(before, after) is None) == goes_on
    assert extended(before, after) == (after if goes_on else before)


@pytest.mark.parametrize(
    "wrong",
    [
        terms([9])[1:],
        terms([9])[::-1],
        (terms([9])[0], terms([10])[1]),
        (terms([9])[0], terms([9])[0]),
        terms([9], origin="other.example/log"),
        (*terms([9]), *terms([4], origin="clinic.example/log-2")),
    ],
    ids=["late", "turned", "gap", "twice", "not ours", "in two logs"],
)
def test_terms_that_do_not_touch_make_no_document(wrong: tuple[LogTerm, ...]) -> None:
    with pytest.raises(ValueError, match="log_terms"):
        check_terms(wrong, "clinic.example")
    with pytest.raises(ValueError, match="log_terms"):
        root(log_terms=wrong)


def test_a_document_without_terms_is_written_as_before() -> None:
    assert b"log_terms" not in root().payload
    assert b"log_terms" in root(log_terms=terms([9])).payload


def following(document: RootDocument, stated: tuple[LogTerm, ...]) -> RootDocument:
    made = successor(document, NOW, url=document.url, authorities=document.authorities)
    return with_terms(made, stated)


def test_the_next_version_states_what_the_one_before_did() -> None:
    first = root(keys=(key("log 1", "log"), key("log 2", "log")))
    second = accept_root(signed_root(following(first, terms([9]))), None, first, NOW)
    third = accept_root(signed_root(following(second, terms([9, 12]))), None, second, NOW)
    assert [term.until_size for term in third.log_terms] == [9, 12, None]
    for wrong in ((), terms([8]), terms([9])[:1]):
        changed = following(second, ()).model_copy(update={"log_terms": wrong})
        with pytest.raises(RootRefused) as refused:
            accept_root(signed_root(changed), None, second, NOW)
        assert refused.value.reason == "log-terms"


def test_a_key_of_another_purpose_has_no_term() -> None:
    stated = (LogTerm.of(ORIGIN, signer("sign 1").public, 0, None),)
    with pytest.raises(RootRefused) as refused:
        accept_root(signed_root(root(log_terms=stated)), signer("root 1").kid, None, NOW)
    assert refused.value.reason == "reused-key"


def test_an_audit_knows_the_keys_of_all_versions_as_the_newest_bounds_them() -> None:
    first = root(keys=(key("log 1", "log"),))
    second = root(version=2, keys=(key("log 1", "log"), key("log 2", "log")))
    third = root(version=3, keys=(key("log 2", "log"),), log_terms=terms([9]))
    for known in ([first, second, third], [third]):
        keys = log_keys(known, ORIGIN)
        assert [counts(note(size, "log 1"), keys) for size in (9, 10)] == [True, False]
        assert [counts(note(size, "log 2"), keys) for size in (8, 9)] == [False, True]
    assert counts(note(99, "log 1"), log_keys([first, second], ORIGIN))
