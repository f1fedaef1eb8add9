import pytest

from examples.three_organisations.tokens import character_ngrams, content_words, stems


@pytest.mark.parametrize(
    ("asked", "stored"),
    [("running", "run"), ("arrays", "array"), ("validation", "validates"), ("parsed", "parsing")],
)
def test_forms_of_a_word_share_a_stem(asked: str, stored: str) -> None:
    assert stems(asked) == stems(stored)


def test_names_are_split_into_their_parts() -> None:
    assert content_words("ClientSession.read_timeout") == ["client", "session", "read", "timeout"]


def test_character_runs_mark_the_edges_of_words() -> None:
    assert character_ngrams("cat") == ["<ca", "cat", "at>", "<cat", "cat>"]


def test_a_question_of_stop_words_has_no_tokens() -> None:
    assert stems("How do you use it?") == []
    assert character_ngrams("What is it?") == []
