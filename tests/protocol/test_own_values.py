"""What a node states itself is written as the model that reads it would write it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.canonical import digest, dumps
from protocol.evidence import Evidence
from protocol.leaf import Answered, Leaf, decode_leaf, new_salt
from protocol.own_values import stated
from tests.protocol.leaf_samples import AT, SIGNER, every_leaf, evidence

optional: dict[str, st.SearchStrategy[Any]] = {
    "actor": st.from_regex(r"[A-Za-z0-9_-]{22}", fullmatch=True),
    "agreement": st.sampled_from(["dpa-2026", 'an "agreement" of \N{GREEK SMALL LETTER ALPHA}']),
    "agreement_until": st.integers(0, 2**53 - 1),
    "granularity": st.sampled_from(["bins", "ranks", "count", "boolean"]),
    "grant": st.binary(max_size=4).map(digest),
    "adapter": st.binary(max_size=4).map(digest),
    "epoch": st.integers(0, 200),
    "exposed": st.integers(0, 99),
}
needed = {
    "at": AT,
    "peer": "clinic.example",
    "query": digest(b"query"),
    "key": SIGNER.kid,
    "evidence": evidence(),
    "policy": digest(b"policy"),
    "purpose": "research",
    "collection": "papers",
    "space": digest(b"space"),
    "k": 10,
    "vectors": 1,
    "version": "1",
    "results": 10,
    "charged": 1,
    "answer": digest(b"answer"),
}


@pytest.mark.parametrize("leaf", every_leaf(), ids=lambda leaf: leaf.type)
def test_a_leaf_of_any_type_is_written_as_its_model_dumps_it(leaf: Leaf) -> None:
    plain = dumps(leaf.model_dump(mode="json", exclude_none=True))
    assert leaf.encode() == plain
    said = {name: getattr(leaf, name) for name in type(leaf).model_fields}
    assert stated(type(leaf), **said).encode() == plain


@given(st.fixed_dictionaries({}, optional=optional), st.sets(st.sampled_from(list(optional))))
def test_a_stated_leaf_is_the_judged_one(given_: dict[str, Any], absent: set[str]) -> None:
    said = {**needed, **given_, **dict.fromkeys(absent - given_.keys()), "salt": new_salt()}
    leaf = stated(Answered, **said)
    assert leaf == Answered(**said)
    assert decode_leaf(leaf.encode()) == leaf
    assert leaf.model_copy(update={"at": AT + 1}).at == AT + 1


def test_a_missing_or_an_unknown_field_is_refused() -> None:
    fields = evidence().model_dump()
    with pytest.raises(TypeError, match="Evidence"):
        stated(Evidence, **{**fields, "more": ""})
    with pytest.raises(TypeError, match="Evidence"):
        stated(Evidence, **{name: fields[name] for name in list(fields)[1:]})
    with pytest.raises(TypeError, match="Answered"):
        stated(Answered, **needed)  # its salt is made anew each time
