"""An announcement is read whole or not at all, and always fits into its body."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.announcement import Announcement, AnnouncementMalformed
from protocol.limits import MAX_ANNOUNCED_ROOTS, MAX_ANNOUNCEMENT_BYTES, MAX_DOCUMENT_BYTES
from tests.protocol.organisation import card, root, signed_card, signed_root

ROOT, CARD = signed_root(root()), signed_card(card())


def test_what_was_announced_is_read() -> None:
    made = Announcement.of("clinic.example", [ROOT], CARD)
    read = Announcement.parse(made.encode())
    assert read == made
    assert read.roots[0].encode() == ROOT
    assert read.card is not None
    assert read.card.encode() == CARD


def test_a_card_may_be_missing() -> None:
    assert Announcement.parse(Announcement.of("a.example", [ROOT], None).encode()).card is None


def test_the_newest_root_documents_are_announced() -> None:
    many = [b"%d" % number for number in range(100)]
    made = Announcement.of("a.example", many, None)
    assert len(made.roots) == MAX_ANNOUNCED_ROOTS
    assert made.roots[-1] == "99"


def test_what_does_not_fit_is_left_out_from_the_oldest_on() -> None:
    large = [b"%d" % number + b"x" * (MAX_DOCUMENT_BYTES - 1) for number in range(8)]
    made = Announcement.of("a.example", large, None)
    assert len(made.encode()) <= MAX_ANNOUNCEMENT_BYTES
    assert made.roots[-1].startswith("7")


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"organisation": "Clinic"},
        {"roots": []},
        {"roots": ["x"] * (MAX_ANNOUNCED_ROOTS + 1)},
        {"roots": [1]},
        {"card": 1},
        {"more": True},
    ],
)
def test_another_form_is_refused(change: dict[str, Any]) -> None:
    fields = {"v": 1, "organisation": "a.example", "roots": ["x"], "card": None}
    with pytest.raises(AnnouncementMalformed):
        Announcement.parse(json.dumps({**fields, **change}).encode())


@given(st.binary(max_size=200))
def test_bytes_are_accepted_or_refused_by_one_error(raw: bytes) -> None:
    try:
        Announcement.parse(raw)
    except AnnouncementMalformed:
        return
