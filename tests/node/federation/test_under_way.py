"""Requests at once: a bound for all, half of it for one partner, and every place is given back."""

from contextlib import ExitStack

import pytest

from node.federation.under_way import UnderWay
from protocol.problems import Code, Refused


def busy(under_way: UnderWay, partner: str) -> bool:
    try:
        with under_way.entered(partner):
            return False
    except Refused as refused:
        return refused.code is Code.BUSY and refused.authenticated


def test_one_partner_leaves_room_for_others() -> None:
    under_way = UnderWay(most=4, one_partners=2)
    with ExitStack() as held:
        for _ in range(2):
            held.enter_context(under_way.entered("greedy.example"))
        assert busy(under_way, "greedy.example")
        assert not busy(under_way, "lab.example")


def test_all_together_are_bounded_and_places_come_back() -> None:
    under_way = UnderWay(most=2, one_partners=2)
    with ExitStack() as held:
        held.enter_context(under_way.entered("a.example"))
        held.enter_context(under_way.entered("b.example"))
        assert busy(under_way, "c.example")
    assert not busy(under_way, "c.example")
    with pytest.raises(OSError, match="lost"), under_way.entered("a.example"):
        raise OSError("lost")
    with ExitStack() as held:
        for _ in range(2):
            held.enter_context(under_way.entered("a.example"))
