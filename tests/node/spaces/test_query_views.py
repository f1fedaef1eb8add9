import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.spaces.query_views import VIEWS, query_view

TEXT = "Aspirin is a drug. It thins the blood."


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"query": "What thins blood?", "title": "Aspirin"}, ("What thins blood?", "given")),
        ({"title": " Aspirin ", "example": "Take one."}, ("Aspirin", "title")),
        ({"title": "", "example": "Take one."}, ("Take one.", "example")),
        ({"title": TEXT, "example": 7}, ("Aspirin is a drug.", "first-sentence")),
        ({}, ("Aspirin is a drug.", "first-sentence")),
    ],
)
def test_the_best_source_that_there_is_gives_the_query_view(
    fields: dict[str, object], wanted: tuple[str, str]
) -> None:
    assert query_view(TEXT, fields) == wanted


def test_without_a_first_sentence_the_first_words_are_the_question() -> None:
    assert query_view("a b c d e f g h i j", {}) == ("a b c d e f g h", "first-words")
    assert query_view("One sentence only.", {}) == ("One sentence only.", "first-words")


@given(st.text(min_size=1).filter(str.strip), st.dictionaries(st.text(), st.text() | st.integers()))
def test_every_text_has_a_query_view(text: str, fields: dict[str, object]) -> None:
    query, view = query_view(text, fields)
    assert query.strip()
    assert view in VIEWS
