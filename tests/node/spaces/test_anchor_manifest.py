import pytest

from keys.ring import KeyRing
from keys.signer import SeedSigner
from node.spaces.anchor_manifest import (
    AnchorManifest,
    accept_anchors,
    describe,
    read_anchor_manifest,
    sign_anchors,
)
from node.spaces.errors import AnchorsRefused
from tests.node.spaces.consortium import AT, anchor_set, ring

SIGNER = SeedSigner.from_seed(b"1" * 32)
OTHER = SeedSigner.from_seed(b"2" * 32)


def manifest(**changes: object) -> AnchorManifest:
    made = describe("public", "a.example", anchor_set(), "a public encyclopaedia", "CC0-1.0", AT)
    return made.model_copy(update=changes)


def rings(organisation: str) -> KeyRing | None:
    return ring(SIGNER) if organisation == "a.example" else None


def test_a_signed_manifest_says_what_the_texts_are_and_how_many_questions_are_real() -> None:
    accepted = accept_anchors(sign_anchors(manifest(), [SIGNER]), anchor_set(), rings, AT)
    assert accepted == manifest()
    assert accepted.views == {"given": 600}
    assert (accepted.licence, accepted.texts) == ("CC0-1.0", 600)


@pytest.mark.parametrize(
    ("made", "signer", "texts", "at", "why"),
    [
        (manifest(), OTHER, 600, AT, "not signed by"),
        (manifest(), SIGNER, 600, AT + 2000, "not signed by"),
        (manifest(author="c.example"), SIGNER, 600, AT, "no partner"),
        (manifest(), SIGNER, 500, AT, "other texts"),
    ],
)
def test_an_unknown_author_or_other_texts_are_refused(
    made: AnchorManifest, signer: SeedSigner, texts: int, at: int, why: str
) -> None:
    with pytest.raises(AnchorsRefused, match=why):
        accept_anchors(sign_anchors(made, [signer]), anchor_set(texts), rings, at)


def test_counts_that_do_not_add_up_are_refused() -> None:
    raw = sign_anchors(manifest(texts=601), [SIGNER])
    with pytest.raises(AnchorsRefused, match="add up"):
        read_anchor_manifest(raw)


def test_another_document_is_no_manifest() -> None:
    with pytest.raises(AnchorsRefused, match="no manifest"):
        read_anchor_manifest(b"{}")
