"""The verdict: equal ids only are the same; every difference is named with both values."""

from typing import Any

import numpy as np
import pytest

from protocol.card import Route
from protocol.envelope import SPACE_FIELDS, Envelope, Prompts
from protocol.notation import from_base64url, to_base64url
from protocol.probe import PROBE_TEXTS, TOLERANCE, likeness, with_sketch
from protocol.verdict import compare
from tests.protocol.samples import envelope
from tests.protocol.test_envelope import DEFINING, DESCRIBING

ADAPTER, OTHER_ADAPTER = ("sha256:" + c * 64 for c in "ab")
VECTORS = np.random.default_rng(1).standard_normal((len(PROBE_TEXTS), 4)).astype(np.float32)
NOISE = np.random.default_rng(2).standard_normal(VECTORS.shape).astype(np.float32)


def route(source: Envelope, target: Envelope, adapter: str | None = ADAPTER) -> Route:
    return Route(space=source.space_id, into=target.space_id, adapter=adapter, kind="ridge")


def nudged(sketched: Envelope, by: int, count: int) -> Envelope:
    assert sketched.probe is not None
    sketch = bytearray(from_base64url(sketched.probe))
    for at in range(count):
        sketch[at] = (sketch[at] + by) % 256
    return envelope(probe=to_base64url(bytes(sketch)))


def test_equal_space_ids_are_the_same_whatever_the_description_says() -> None:
    verdict = compare(envelope(**DESCRIBING), envelope())
    assert (verdict.kind, verdict.reasons, verdict.adapter) == ("same", (), None)


@pytest.mark.parametrize("field", SPACE_FIELDS)
def test_every_difference_is_named(field: str) -> None:
    theirs, mine = envelope(**{field: DEFINING[field]}), envelope()
    verdict = compare(theirs, mine)
    assert verdict.kind == "incompatible"
    assert len(verdict.reasons) == 1
    assert verdict.reasons[0].startswith(f"{field}: ")


def test_a_reason_shows_both_values() -> None:
    reasons = compare(envelope(pooling="cls", truncated_from=8), envelope()).reasons
    assert reasons == ("truncated_from: 8 there, none here", "pooling: cls there, mean here")


def test_a_reason_names_the_prompts_role_only() -> None:
    theirs = envelope(prompts={"query": ADAPTER, "document": envelope().prompts.document})
    (reason,) = compare(theirs, envelope()).reasons
    assert reason == f"prompts: query {ADAPTER} there, {envelope().prompts.query} here"


def test_a_route_makes_spaces_adaptable_in_its_direction_only() -> None:
    theirs, mine = envelope(model="theirs"), envelope(model="mine")
    there = compare(theirs, mine, [route(theirs, mine)])
    assert (there.kind, there.adapter) == ("adaptable", ADAPTER)
    assert there.reasons == ("model: theirs there, mine here",)
    assert compare(mine, theirs, [route(theirs, mine)]).kind == "incompatible"


def test_the_first_of_several_routes_is_named() -> None:
    theirs, mine, third = (envelope(model=name) for name in ("theirs", "mine", "third"))
    routes = [
        route(third, mine),
        route(theirs, mine, OTHER_ADAPTER),
        route(theirs, mine),
    ]
    assert compare(theirs, mine, routes).adapter == OTHER_ADAPTER


def test_sketches_within_tolerance_are_two_ids_and_the_reason_says_how_to_share_one() -> None:
    mine = with_sketch(envelope(), VECTORS)
    verdict = compare(nudged(mine, 1, 30), mine)
    assert verdict.kind == "incompatible"
    assert "adopt" in verdict.reasons[0]


def test_sketches_far_apart_are_another_models() -> None:
    mine = with_sketch(envelope(), VECTORS)
    (reason,) = compare(nudged(mine, 40, 200), mine).reasons
    assert "another model's" in reason
    assert "adopt" not in reason


def test_adopting_is_not_advised_where_more_than_the_sketch_differs() -> None:
    mine = with_sketch(envelope(), VECTORS)
    theirs = nudged(mine, 1, 3).model_copy(update={"model": "other"})
    assert all("adopt" not in reason for reason in compare(theirs, mine).reasons)


def test_one_model_under_two_names_is_recognised_and_still_two_spaces() -> None:
    mine = with_sketch(envelope(), VECTORS)
    renamed = {"provider": "elsewhere", "model": "house-encoder", "revision": "7", "pooling": "cls"}
    theirs = Envelope.model_validate({**nudged(mine, 1, 30).model_dump(), **renamed})
    verdict = compare(theirs, mine)
    assert (verdict.kind, verdict.recognised) == ("incompatible", True)
    assert verdict.apart is not None
    assert 0 < verdict.apart <= TOLERANCE
    assert "one model under two names" in verdict.reasons[-1]
    exactly = Envelope.model_validate({**mine.model_dump(), **renamed})
    assert compare(exactly, mine).recognised


@pytest.mark.parametrize(
    "changed", [{"prompts": Prompts.of("q: ", "d: ")}, {"similarity": "dot"}, {"dimension": 5}]
)
def test_what_no_sketch_measures_is_not_recognised(changed: dict[str, Any]) -> None:
    mine = with_sketch(envelope(), VECTORS)
    theirs = Envelope.model_validate({**mine.model_dump(), "model": "other", **changed})
    verdict = compare(theirs, mine)
    assert not verdict.recognised
    assert verdict.apart == 0


def test_the_distance_of_the_sketches_is_measured_also_where_a_route_adapts() -> None:
    mine = with_sketch(envelope(), VECTORS)
    patched = with_sketch(envelope(), VECTORS + 0.2 * NOISE)
    verdict = compare(patched, mine, [route(patched, mine)])
    assert verdict.kind == "adaptable"
    assert verdict.apart is not None
    assert f"{verdict.apart:.4f} apart" in verdict.reasons[-1]
    assert likeness(verdict.apart) in verdict.reasons[-1]
