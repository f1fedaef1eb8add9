"""Words that survive a telephone, and do not match by accident."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mnemonic import Mnemonic

from keys.words import fingerprint, safety_words, same_words

ROOT = bytes(range(32))
KEYS = st.binary(min_size=32, max_size=32)


def test_the_words_are_the_first_bits_of_the_labelled_digest() -> None:
    digest = hashlib.sha256(b"interlingua root fingerprint v1\n" + ROOT).digest()
    bits = "".join(f"{byte:08b}" for byte in digest)
    words = Mnemonic("english").wordlist
    assert fingerprint(ROOT) == [words[int(bits[at : at + 11], 2)] for at in range(0, 132, 11)]


def test_a_fingerprint_that_other_implementations_can_check() -> None:
    assert " ".join(fingerprint(ROOT)) == FINGERPRINT_OF_ROOT
    assert " ".join(safety_words(ROOT)) == SAFETY_WORDS_OF_ROOT


@given(KEYS, KEYS)
def test_different_roots_have_different_fingerprints(a: bytes, b: bytes) -> None:
    assert (fingerprint(a) == fingerprint(b)) == (a == b)


@given(KEYS)
def test_words_of_one_kind_never_pass_for_the_other(key: bytes) -> None:
    assert fingerprint(key) != safety_words(key, 12)


@given(st.binary(max_size=64), st.integers(min_value=1, max_value=23))
def test_fewer_words_are_the_beginning_of_more(material: bytes, n: int) -> None:
    assert safety_words(material, n) == safety_words(material, 23)[:n]
    assert len(safety_words(material, n)) == n


@given(KEYS, st.sampled_from([" ", "-", ", ", "\n", "  \t", " 1. "]), st.booleans())
def test_case_separators_and_endings_do_not_count(key: bytes, separator: str, cut: bool) -> None:
    words = fingerprint(key)
    typed = separator.join(word.upper()[: 4 if cut else None] for word in words)
    assert same_words(typed, " ".join(words))
    assert same_words(" ".join(words), typed)


def test_another_word_another_order_and_another_count_do() -> None:
    words = fingerprint(ROOT)
    right = " ".join(words)
    other = "zoo" if words[3] != "zoo" else "zone"
    assert not same_words(" ".join([*words[:3], other, *words[4:]]), right)
    assert not same_words(" ".join(words[::-1]), right)
    assert not same_words(" ".join(words[:-1]), right)
    assert not same_words(f"{right} {words[0]}", right)


@pytest.mark.parametrize("text", ["", "   ", "1234", "notaword", "aba", "abandonx"])
def test_what_is_not_in_the_list_equals_nothing_not_even_itself(text: str) -> None:
    assert not same_words(text, text)


def test_a_word_of_three_letters_is_not_a_shorter_form_of_a_longer_one() -> None:
    assert same_words("act", "act")
    assert not same_words("act", "action")
    assert same_words("acti", "action")


@given(st.text(), st.text())
def test_any_texts_can_be_compared(a: str, b: str) -> None:
    assert same_words(a, b) in (True, False)


@pytest.mark.parametrize("n", [0, -1, 24])
def test_an_impossible_number_of_words_is_refused(n: int) -> None:
    with pytest.raises(ValueError, match="1 to 23"):
        safety_words(ROOT, n)


def test_keys_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        fingerprint(bytes(31))


FINGERPRINT_OF_ROOT = (
    "floor naive garbage disorder swear weird tiger peasant live script lecture inner"
)
SAFETY_WORDS_OF_ROOT = "vicious essay squeeze scale genius nut"
