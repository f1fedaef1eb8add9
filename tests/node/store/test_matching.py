"""Which documents fulfil a filter on metadata; compared with the same rules in plain Python."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.store import document_rows
from node.store.document_rows import NewDocument
from node.store.schema import MIGRATIONS
from node.store.store import Store
from protocol.metadata_filter import Condition

METADATA: list[dict[str, Any]] = [
    {"year": 2018, "language": "en"},
    {"year": 2020, "language": "de"},
    {"year": "2020", "language": "en"},
    {"year": [2019, 2021], "language": ["en", "fr"]},
    {"year": {"from": 2020}, "language": {"any": "en"}},
    {"year": True, "language": None},
    {"year": 2020.0},
    {},
]
values = st.one_of(st.integers(2017, 2022), st.sampled_from(["2020", "en", "de", "fr"]))
conditions = st.one_of(
    st.lists(values, min_size=1, max_size=3).map(lambda some: Condition(any_of=tuple(some))),
    st.lists(st.integers(2017, 2022), min_size=2, max_size=2).map(
        lambda ends: Condition(least=min(ends), most=max(ends))
    ),
    st.integers(2017, 2022).map(lambda least: Condition(least=least)),
    st.integers(2017, 2022).map(lambda most: Condition(most=most)),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    made = Store.open(Path(tmp_path_factory.mktemp("matching")) / "store.db")
    made.migrate("data", MIGRATIONS)
    with made.write() as db:
        db.execute(
            "INSERT INTO collections VALUES (1, 'c', '', '', '', 0, 0), (2, 'd', '', '', '', 0, 0)"
        )
        for at, metadata in enumerate(METADATA):
            document = NewDocument(str(at), None, None, metadata, frozenset(), b"")
            assert document_rows.put(db, 1, [document], [None], 1, 0, {}) == [2 * at + 1]
            document_rows.put(db, 2, [document], [None], 1, 0, {})
    return made


def fulfils(metadata: dict[str, Any], field: str, condition: Condition) -> bool:
    held = metadata.get(field)
    entries = held if isinstance(held, list) else [held]
    numbers = [each for each in entries if type(each) is int]
    if condition.any_of is not None:
        alike = {(type(each), each) for each in condition.any_of}
        return any(type(e) in (int, str) and (type(e), e) in alike for e in entries)
    return any(
        (condition.least is None or n >= condition.least)
        and (condition.most is None or n <= condition.most)
        for n in numbers
    )


@given(st.dictionaries(st.sampled_from(["year", "language", "none"]), conditions, min_size=1))
def test_a_document_is_found_when_its_metadata_fulfil_every_condition(
    store: Store, wanted: dict[str, Condition]
) -> None:
    with store.read() as db:
        found = document_rows.matching(db, 1, wanted)
    assert found == [
        2 * at + 1
        for at, metadata in enumerate(METADATA)
        if all(fulfils(metadata, field, condition) for field, condition in wanted.items())
    ]
