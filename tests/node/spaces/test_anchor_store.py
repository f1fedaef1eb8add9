from pathlib import Path

import pytest

from node.spaces.anchor_store import AnchorStore
from node.spaces.errors import AnchorsRefused, SpaceExists, UnknownAnchors
from tests.node.spaces.consortium import AT, anchor_set


@pytest.fixture
def store(tmp_path: Path) -> AnchorStore:
    (tmp_path / "anchors").mkdir()
    return AnchorStore(tmp_path / "anchors")


def test_a_set_is_found_by_name_and_by_id(store: AnchorStore) -> None:
    named = store.add("public", anchor_set(), AT)
    assert named.set_id == anchor_set().set_id
    assert store.load("public") == store.load(named.set_id) == anchor_set()


def test_importing_twice_changes_nothing(store: AnchorStore) -> None:
    assert store.add("public", anchor_set(), AT) == store.add("public", anchor_set(), AT + 5)
    assert len(store.all()) == 1


def test_a_name_stays_with_its_texts(store: AnchorStore) -> None:
    store.add("public", anchor_set(), AT)
    with pytest.raises(SpaceExists):
        store.add("public", anchor_set(300), AT)
    assert store.add("other", anchor_set(300), AT).anchors == 300


def test_changed_texts_are_refused(store: AnchorStore) -> None:
    named = store.add("public", anchor_set(), AT)
    texts = store.folder(named.set_id) / "texts.jsonl"
    texts.write_bytes(texts.read_bytes().replace(b"question 7", b"question x"))
    with pytest.raises(AnchorsRefused, match="changed"):
        store.load("public")


def test_a_damaged_list_of_names_is_refused(store: AnchorStore) -> None:
    store.add("public", anchor_set(), AT)
    (store.directory / "sets.json").write_text("{")
    with pytest.raises(AnchorsRefused, match="damaged"):
        store.load("public")


def test_an_unknown_set_is_named(store: AnchorStore) -> None:
    with pytest.raises(UnknownAnchors, match="nothing-here"):
        store.load("nothing-here")
