import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adapters.split import split

digests = st.lists(st.text("0123456789abcdef", min_size=8, max_size=64), max_size=200)


@given(digests)
def test_the_parts_are_disjoint_and_whole(texts: list[str]) -> None:
    parts = split(texts)
    rows = np.concatenate([parts.fit, parts.validation, parts.test])
    assert sorted(rows.tolist()) == list(range(len(texts)))


@given(digests, digests)
def test_a_text_stays_in_its_part_when_others_come(texts: list[str], more: list[str]) -> None:
    alone, together = split(texts), split(texts + more)
    for part in ("fit", "validation", "test"):
        before = getattr(alone, part)
        after = getattr(together, part)
        assert np.array_equal(before, after[after < len(texts)])


def test_a_tenth_chooses_and_a_tenth_measures() -> None:
    parts = split([f"text {i}" for i in range(20_000)])
    assert 0.09 < len(parts.validation) / 20_000 < 0.11
    assert 0.09 < len(parts.test) / 20_000 < 0.11
