from collections.abc import Callable

import pytest

from adapters.direction import check_direction
from adapters.errors import WrongDimension, WrongDirection
from adapters.map import Map
from adapters.procrustes import fit_procrustes
from adapters.quality import HeldOut
from adapters.ridge import fit_ridge
from tests.adapters.worlds import SOURCE, TARGET, World, two_models

Swap = Callable[[HeldOut], HeldOut]
FIT, HELD = slice(0, 400), slice(400, 600)


def fitted(world: World) -> list[Map]:
    pairs = world.source_documents[FIT], world.target_documents[FIT], SOURCE, TARGET
    return [fit_procrustes(*pairs), fit_ridge(*pairs)]


def test_a_map_the_right_way_passes_however_noisy_the_models() -> None:
    for noise in (0.01, 0.1, 0.3):
        world = two_models(noise=noise)
        for one in fitted(world):
            check_direction((one,), world.part(HELD))


def test_exchanged_spaces_are_refused_by_name() -> None:
    world = two_models()
    part = world.part(HELD)
    other_way = HeldOut(
        part.target_questions, part.target_documents, part.source_questions, part.source_documents
    )
    for one in fitted(world):
        with pytest.raises(WrongDirection, match="source and target were exchanged"):
            check_direction((one,), other_way)


@pytest.mark.parametrize(
    "swap",
    [
        lambda p: HeldOut(
            p.source_documents, p.source_questions, p.target_questions, p.target_documents
        ),
        lambda p: HeldOut(
            p.source_questions, p.source_documents, p.target_documents, p.target_questions
        ),
    ],
    ids=["source", "target"],
)
def test_views_exchanged_on_one_side_are_refused_by_name(swap: Swap) -> None:
    world = two_models(d_in=6, d_out=6)  # crowded, so that a question finds less than its text
    for one in fitted(world):
        with pytest.raises(WrongDirection, match="views were exchanged"):
            check_direction((one,), swap(world.part(HELD)))


def test_another_width_than_the_maps_is_refused() -> None:
    world = two_models(d_in=16, d_out=24)
    part = world.part(HELD)
    other_way = HeldOut(
        part.target_questions, part.target_documents, part.source_questions, part.source_documents
    )
    with pytest.raises(WrongDimension):
        check_direction((fitted(world)[0],), other_way)
