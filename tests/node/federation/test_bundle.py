"""Bundles: what a person compared is what gets pinned."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.federation.bundle import judge, read_bundle, write_bundle
from node.federation.errors import BundleInvalid, WordsDiffer
from tests.node.federation.party import NOW, Party

LAB = Party("lab.example")
BUNDLE = LAB.bundle()


def test_a_bundle_with_the_right_words_gives_the_key_to_pin() -> None:
    root, card = read_bundle(BUNDLE.encode())
    pinned, document, its_card = judge(root, card, LAB.words, NOW)
    assert pinned == LAB.keys["root"].kid
    assert document.organisation == its_card.organisation == "lab.example"


def test_words_may_be_shortened_and_written_in_any_case() -> None:
    short = " ".join(word[:4].upper() for word in LAB.words.split())
    assert judge(*read_bundle(BUNDLE.encode()), short, NOW)[0] == LAB.keys["root"].kid


@pytest.mark.parametrize(
    "words",
    ["", "abandon " * 12, Party("lab.example").words, LAB.words.rsplit(" ", 1)[0]],
    ids=["none", "of no key", "of another key", "one too few"],
)
def test_other_words_are_refused(words: str) -> None:
    with pytest.raises(WordsDiffer):
        judge(*read_bundle(BUNDLE.encode()), words, NOW)


def test_a_swapped_card_is_refused() -> None:
    rival = Party("lab.example")
    with pytest.raises(BundleInvalid):
        judge(LAB.signed_root(), rival.signed_card(rival.card(root=LAB.root())), LAB.words, NOW)


def test_a_root_document_that_the_key_did_not_sign_is_refused() -> None:
    rival = Party("lab.example")
    rival.keys["root"], stolen = LAB.keys["root"], rival.keys["root"]
    forged = rival.root()  # names the real root key
    rival.keys["root"] = stolen  # but is signed by another
    with pytest.raises(BundleInvalid):
        judge(rival.signed_root(forged), LAB.signed_card(), LAB.words, NOW)


def test_an_expired_bundle_is_refused() -> None:
    with pytest.raises(BundleInvalid, match="expired"):
        judge(*read_bundle(BUNDLE.encode()), LAB.words, NOW + 91 * 86_400)


@given(st.integers(0, len(BUNDLE) - 1), st.characters(codec="ascii"))
def test_any_changed_character_is_accepted_only_if_it_changes_nothing(at: int, other: str) -> None:
    changed = (BUNDLE[:at] + other + BUNDLE[at + 1 :]).encode()
    try:
        root, card = read_bundle(changed)
        pinned, document, its_card = judge(root, card, LAB.words, NOW)
    except (BundleInvalid, WordsDiffer):
        return
    assert pinned == LAB.keys["root"].kid
    assert document == LAB.root()
    assert its_card == LAB.card()


@given(st.binary(max_size=200))
def test_any_bytes_are_a_bundle_or_one_named_error(raw: bytes) -> None:
    with pytest.raises(BundleInvalid):
        read_bundle(raw)


def test_a_written_bundle_is_read_back() -> None:
    assert read_bundle(write_bundle(b"root", b"card").encode()) == (b"root", b"card")
