"""Members who ask through a space are measured by both models before the one takes over."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from adapters.map import Floats
from keys.signer import SeedSigner
from node.spaces.changed_routes import Side, changed_routes
from node.spaces.create import create_space
from node.spaces.embedding_file import AnchorEmbeddings
from node.spaces.join import Joining, join
from node.spaces.manifest import sign_manifest
from node.spaces.maps import Ground
from node.spaces.spaces import Spaces
from tests.adapters.worlds import unit
from tests.node.spaces.consortium import AT, WIDTHS, anchor_set, embeddings, unseen

SIZE = 240
OLD, SAME, LAB = (
    embeddings(name, width, seed, SIZE) for seed, (name, width) in enumerate(WIDTHS.items(), 10)
)


def blurred(one: AnchorEmbeddings) -> AnchorEmbeddings:
    """A model that sees less of what all models see, and knows each text by a mark of its own.

    By itself it finds everything; what others see of a text leads to it less often.
    """
    rng = np.random.default_rng(5)
    rows, width = one.document.shape
    mark = rng.normal(size=(rows, width))

    def view(seen: Floats) -> Floats:
        less = seen + 0.25 * rng.normal(size=seen.shape)
        return unit(np.hstack([unit(less), 1.5 * unit(mark)]))

    space = one.envelope.model_copy(update={"model": "blurred", "dimension": 2 * width})
    return replace(one, envelope=space, document=view(one.document), query=view(one.query))


BLURRED = blurred(SAME)


@cache
def founded() -> tuple[Ground, bytes, bytes]:
    """A space of the lab's model and the old one: its ground, signed manifest, and consensus."""
    anchors = anchor_set(SIZE)
    manifest, positions = create_space("commons", OLD.organisation, anchors, [OLD, LAB], 1, AT)
    raw = sign_manifest(manifest, [SeedSigner.generate()])
    return Ground(manifest, anchors, positions), raw, positions.encoded


@cache
def joined(own: AnchorEmbeddings) -> Joining:
    """What a model joins by, beside the lab's."""
    return join(founded()[0], own, [LAB], AT, unseen)


@pytest.fixture(scope="module")
def spaces(tmp_path_factory: pytest.TempPathFactory) -> Spaces:
    folder = tmp_path_factory.mktemp("spaces")
    for name in ("spaces", "adapters"):
        (folder / name).mkdir()
    found = Spaces.open(folder / "spaces", folder / "adapters")
    _, raw, positions = founded()
    for own in (OLD, BLURRED):
        found.keep(founded()[0].manifest, raw, positions, joined(own), [LAB])
    return found


def sides(spaces: Spaces) -> list[Side]:
    by_native = {each.native: each for each in spaces.all()}
    return [Side(own, by_native[own.space_id]) for own in (OLD, BLURRED)]


def test_a_member_is_measured_as_it_was_at_joining_by_each_of_both_models(spaces: Spaces) -> None:
    # the own models ask in their own spaces
    (lab,) = changed_routes(founded()[0], [OLD, LAB, BLURRED], *sides(spaces))
    assert (lab.organisation, lab.space) == (LAB.organisation, "commons")
    for own, found in ((OLD, lab.before), (BLURRED, lab.after)):
        pair = joined(own).joined.pair(LAB.space_id, own.space_id)
        assert pair is not None
        assert lab.questions == pair.card.held_out
        for name, figure in found.items():
            assert figure.value == pytest.approx(pair.card.figures[name].value)
    lost = lab.difference["ndcg_10"]
    assert lost.value == pytest.approx(lab.after["ndcg_10"].value - lab.before["ndcg_10"].value)
    assert lost.high < 0
    # what it loses is held against the new model beyond the bar and beyond chance
    assert (lab.stands_against(0.05) or "").startswith("c.example in commons ndcg_10 -")
    assert lab.stands_against(-lost.value + 0.01) is None
    by_chance = replace(lab, difference={"ndcg_10": replace(lost, high=0.01)})
    assert by_chance.stands_against(0.05) is None


def test_a_member_whose_ways_were_not_measured_is_left_out(spaces: Spaces) -> None:
    old, new = sides(spaces)
    alone = replace(new.joined, joined=new.joined.joined.model_copy(update={"pairs": []}))
    assert changed_routes(founded()[0], [LAB], old, replace(new, joined=alone)) == []
