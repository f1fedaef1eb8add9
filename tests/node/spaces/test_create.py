from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from adapters.consensus_method import USUAL_METHOD, Method
from node.spaces.create import create_space, recompute
from node.spaces.errors import EmbeddingsRefused, ManifestRefused
from node.spaces.manifest import Positions
from tests.adapters.worlds import unit
from tests.node.spaces.consortium import AT, anchor_set, created, embeddings, members


def test_the_space_rests_on_the_fit_part_alone() -> None:
    manifest, positions = created()
    assert set(positions.rows) == set(anchor_set().split.fit)
    assert manifest.fitted == len(positions.rows)


def test_the_space_is_as_wide_as_its_widest_founder() -> None:
    manifest, positions = created()
    assert manifest.dimension == positions.positions.shape[1] == 24
    assert manifest.envelope.revision == positions.digest


def test_the_order_of_the_founders_does_not_matter() -> None:
    again, positions = create_space(
        "commons", "a.example", anchor_set(), list(reversed(members())), 1, AT
    )
    assert (again, positions.digest) == (created()[0], created()[1].digest)


def test_with_three_founders_leaving_one_out_is_reported() -> None:
    assert all(each.shift_micro is not None for each in created()[0].founders)
    two, _ = create_space("pair", "a.example", anchor_set(), members()[:2], 1, AT)
    assert all(each.shift_micro is None for each in two.founders)


def test_a_text_that_one_model_makes_nothing_of_is_left_out_for_all() -> None:
    row = int(anchor_set().split.fit[4])
    document = members()[0].document.copy()
    document[row] = 0.0
    founders = [replace(members()[0], document=document), *members()[1:]]
    _, positions = create_space("commons", "a.example", anchor_set(), founders, 1, AT)
    assert row not in positions.rows


def test_founders_that_cannot_meet_are_refused() -> None:
    others = embeddings("d.example", 8, 1, n=300)
    with pytest.raises(EmbeddingsRefused, match="other texts"):
        create_space("x", "a.example", anchor_set(), [*members(), others], 1, AT)
    with pytest.raises(EmbeddingsRefused, match="two files"):
        create_space("x", "a.example", anchor_set(), [*members(), members()[0]], 1, AT)
    with pytest.raises(EmbeddingsRefused, match="at least two"):
        create_space("x", "a.example", anchor_set(), members()[:1], 1, AT)


def test_members_of_one_space_that_make_other_vectors_in_it_are_refused() -> None:
    a, b, c = members()
    rng = np.random.default_rng(5)
    near = unit(a.document + 0.001 * rng.normal(size=a.document.shape))
    rounded = replace(a, organisation="d.example", document=near)
    create_space("x", "a.example", anchor_set(), [a, b, c, rounded], 1, AT)
    # whoever sorts first would give the routes of another member's space their maps
    turned = a.query[:, ::-1].copy()
    forged = replace(a, organisation="0.example", document=a.document[:, ::-1].copy(), query=turned)
    for foreign in (forged, replace(a, organisation="z.example", query=turned)):
        with pytest.raises(EmbeddingsRefused, match=r"name one space"):
            create_space("x", "a.example", anchor_set(), [a, b, c, foreign], 1, AT)


@pytest.mark.parametrize("method", get_args(Method))
def test_the_consensus_can_be_computed_again_by_any_member(method: Method) -> None:
    manifest, positions = create_space(
        "commons", "a.example", anchor_set(), members(), 1, AT, method
    )
    assert manifest.method == method
    late = embeddings("d.example", 18, 44)
    apart = recompute(manifest, positions, anchor_set(), [*members(), late])
    assert apart is not None
    assert apart < 1e-5


def test_it_is_computed_again_by_the_method_that_the_manifest_names() -> None:
    manifest, positions = created()
    assert manifest.method == USUAL_METHOD
    for other in {*get_args(Method)} - {manifest.method}:
        claim = manifest.model_copy(update={"method": other})
        with pytest.raises(ManifestRefused, match="not what its founders"):
            recompute(claim, positions, anchor_set(), members())


def test_without_a_founders_file_it_is_not_computed_again() -> None:
    manifest, positions = created()
    assert recompute(manifest, positions, anchor_set(), members()[1:]) is None


def test_a_consensus_that_the_founders_do_not_give_is_refused() -> None:
    manifest, positions = created()
    noise = np.random.default_rng(0).normal(size=positions.positions.shape)
    forged = Positions(unit(positions.positions + 0.1 * noise), positions.rows)
    claim = manifest.model_copy(update={"consensus": forged.digest})
    with pytest.raises(ManifestRefused, match="not what its founders"):
        recompute(claim, forged, anchor_set(), members())
    fewer = Positions(positions.positions[1:], positions.rows[1:])
    with pytest.raises(ManifestRefused, match="not what its founders"):
        recompute(claim, fewer, anchor_set(), members())
