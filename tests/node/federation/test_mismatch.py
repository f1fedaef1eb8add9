"""What is told when two spaces do not fit: the fields that differ, of the nearest space."""

from node.federation.mismatch import differences
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
