"""Offers: what one partner may ask of which collection."""

from typing import Any

import pytest
from pydantic import ValidationError

from protocol.messages import Offer, Offers
from tests.protocol.exchange import ENVELOPE, offers


def offer(**changes: Any) -> Offer:
    members: dict[str, Any] = {
        "collection": "papers",
        "purposes": ("clinical-research",),
        "granularity": "count",
        "max_k": 5,
        "queries_left": 0,
    }
    return Offer(**(members | changes))


def test_what_is_written_is_read() -> None:
    full = offer(
        title="Papers of the hospital",
        description="Published papers; no patients' data.",
        language="de-CH",
        purposes=["clinical-research", "teaching"],
        granularity="bins",
        bin_width_milli=100,
        spaces=[ENVELOPE.space_id],
        exposure_quarters=2,
        agreement="dua-2026-1",
        expires=2_000_000_000,
        request_url="https://hospital.example/apply",
    )
    for message in (offers(), offers(offers=()), offers(offers=[full, offer()])):
        assert Offers.parse(message.encode()) == message
        assert b"\n" not in message.encode()


@pytest.mark.parametrize(
    "changes",
    [
        {"collection": "Papers"},
        {"purposes": ()},
        {"purposes": ("Research",)},
        {"granularity": "scores"},
        {"max_k": 0},
        {"queries_left": -1},
        {"exposure_quarters": 5},
        {"language": "x"},
        {"title": "two\nlines"},
        {"title": "turned \u202e round"},
        {"description": "x" * 4097},
        {"bin_width_milli": 49},
        {"extra": 1},
    ],
)
def test_every_member_has_its_bounds(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        offer(**changes)
