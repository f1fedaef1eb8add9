"""What is told when two spaces do not fit: the fields that differ, of the nearest space."""

import pytest

from node.federation.mismatch import differences, way_out
from protocol.card import Route
from protocol.envelope import Envelope, Prompts
from tests.protocol.organisation import card
from tests.protocol.samples import envelope


def test_fields_that_differ_are_named_with_both_values() -> None:
    told = differences(envelope(model="large", dimension=8), [envelope(model="small", dimension=4)])
    assert "model: large there, small here" in told
    assert "dimension: 8 there, 4 here" in told


def test_the_nearest_of_several_spaces_is_compared() -> None:
    far = envelope(model="far", provider="elsewhere", pooling="cls")
    told = differences(envelope(model="asked"), [far, envelope(model="near")])
    assert "model: asked there, near here" in told
    assert "provider" not in told


def test_many_differences_are_counted_and_not_all_listed() -> None:
    other = envelope(
        model="x", provider="y", revision="z", pooling="cls", similarity="dot", dimension=8
    )
    told = differences(envelope(), [other])
    assert "more" in told
    assert told.count(";") == 4


def test_nothing_differs_within_one_space_or_without_any() -> None:
    assert differences(envelope(), [envelope()]) == ""
    assert differences(envelope(), []) == ""


def shared_space(name: str) -> Envelope:
    return Envelope(
        provider="consortium",
        model=name,
        revision="1",
        dimension=64,
        pooling="none",
        normalisation="l2",
        similarity="cosine",
        prompts=Prompts.of(),
    )


def advice(name: str) -> str:
    """What is advised where a partner answers through a shared space that it calls so."""
    theirs, shared = envelope(model="theirs"), shared_space(name)
    route = Route(
        space=shared.space_id, into=theirs.space_id, adapter="sha256:" + "0" * 64, kind="ridge"
    )
    return way_out(envelope(), [theirs], card(spaces=(theirs, shared), routes=(route,)))


def test_the_shared_space_of_a_partner_is_named_with_the_command_that_joins_it() -> None:
    assert "interlingua space join commons.space.json" in advice("commons")


@pytest.mark.parametrize("name", ["x; rm -rf ~ #", "$(id)", "a b", "../x", "-x", "x\u202f"])
def test_what_a_partner_writes_into_its_card_never_stands_in_a_command(name: str) -> None:
    assert name not in advice(name)
