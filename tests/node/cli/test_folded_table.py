"""A wide table of counts stays readable in a narrow terminal, and nothing of it is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.cli.folded_table import folded

COLUMNS = ("PARTNER", "MONTH", "AGREEMENT", "QUESTION VECTORS", "RECORDS TOLD", "LAST")
COUNTS = (False, False, False, True, True, False)
ROWS = (
    ("clinic.example", "2026-09", "A-1", "12", "3", "2026-09-21"),
    ("lab.example", "2026-10", "sha256:" + 64 * "e", "1", "100", "2026-10-11"),
)


def test_counts_stay_columns_and_the_rest_stands_below() -> None:
    assert folded(COLUMNS, ROWS, COUNTS, 60) == [
        "                         QUESTION  RECORDS",
        "PARTNER         MONTH     VECTORS     TOLD",
        "clinic.example  2026-09        12        3",
        "    agreement A-1, last 2026-09-21",
        "lab.example     2026-10         1      100",
        "    agreement",
        "    sha256:" + 64 * "e" + ",",
        "    last 2026-10-11",
    ]


def test_where_not_even_the_first_column_has_room_the_texts_stand_above() -> None:
    first = folded(COLUMNS, ROWS, COUNTS, 20)[2:5]
    assert first == ["    partner", "    clinic.example,", "    month 2026-09,"]


TEXT = st.text("abc-.", min_size=1, max_size=12)


@given(
    st.lists(st.tuples(TEXT, TEXT, TEXT, st.integers(0, 10**6), TEXT), min_size=1, max_size=4),
    st.sampled_from([40, 80, 100]),
)
def test_no_line_is_too_wide_and_no_cell_is_lost(
    rows: list[tuple[str, str, str, int, str]], width: int
) -> None:
    texts = [[str(cell) for cell in row] for row in rows]
    columns = ("ONE", "TWO", "THREE", "HOW MANY", "FIVE")
    lines = folded(columns, texts, (False, False, False, True, False), width)
    assert max(map(len, lines)) <= width
    words = " ".join(lines).replace(",", " ").split()
    for row in texts:
        for cell in row:
            assert cell in words


@pytest.mark.parametrize("counts", [(True,), (False,)])
def test_a_table_of_one_column_has_it_in_any_width(counts: tuple[bool, ...]) -> None:
    assert folded(("A",), [("1234567890",)], counts, 5)[-1].strip().endswith("1234567890")
