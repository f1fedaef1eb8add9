"""Asking fewer silos: what is learnt leads to the silo that answers, and what all give is one."""

import numpy as np
import pytest
from numpy.typing import NDArray

from node.evaluate.candidates import Candidates
from node.evaluate.routes import Judge
from node.evaluate.selecting import (
    ALL,
    ANY,
    BEST,
    LEARNT,
    Asked,
    judged_selections,
    numbers_asked,
    selection_figures,
)
from node.federation.likely import LEAST
from tests.adapters.worlds import unit

SILOS, EACH = 5, 10
DOCUMENTS = [f"d{n}" for n in range(SILOS * EACH)]
SILO_OF = np.repeat(np.arange(SILOS), EACH)


class Graded(Judge):
    """Judges questions that are given as what is relevant to each."""

    def __init__(self, grades: list[dict[str, int]]) -> None:
        self.grades = grades


def silo(number: int, topic: NDArray[np.int64]) -> Candidates:
    """Gives its ten documents to every question, with high scores to those of its own topic."""
    rows = np.tile(np.flatnonzero(number == SILO_OF), (len(topic), 1))
    high = np.where(topic == number, 0.8, 0.1)[:, None]
    scores = (high - 0.05 * np.arange(EACH) / EACH).astype(np.float32)
    return Candidates(rows, scores, scores, scores, "shared", number == 0)


def asked(questions: int, told: float = 1.0) -> tuple[Asked, Judge]:
    """Questions of the partners' topics in turn, each answered by the first of a silo's ten.

    `told` is how much of its topic a question's vector shows.
    """
    topic = (1 + np.arange(questions) % (SILOS - 1)).astype(np.int64)
    noise = np.random.default_rng(5).standard_normal((questions, 16))
    vectors = unit(told * np.eye(16)[topic] + 0.1 * noise)
    grades = [{f"d{EACH * number}": 1} for number in topic]
    silos = [silo(number, topic) for number in range(SILOS)]
    return Asked(vectors, silos, home=0, seed=3), Graded(grades)


def test_numbers_double_up_to_all() -> None:
    assert [numbers_asked(n) for n in (1, 2, 5, 8)] == [[1], [1, 2], [1, 2, 4, 5], [1, 2, 4, 8]]


def test_who_is_chosen_by_what_was_given_before_finds_what_all_find_and_chance_does_not() -> None:
    question, judge = asked(2 * LEAST)
    found = judged_selections(question, DOCUMENTS, SILO_OF, judge)
    assert set(found) == {(4, ALL), *((n, how) for n in (1, 2) for how in (ANY, BEST, LEARNT))}
    rows = {(row.asked, row.chosen): row for row in selection_figures("topic", [found])}
    whole = rows[4, ALL].recall_of_all
    assert whole is not None
    assert whole.value == pytest.approx(1)
    assert rows[1, LEARNT].figures["recall_10"].value == pytest.approx(1)
    assert rows[1, BEST].figures["recall_10"].value == pytest.approx(1)
    assert rows[1, ANY].figures["recall_10"].value < 0.5
    assert {row.partners for row in rows.values()} == {4}


def test_a_question_is_not_chosen_for_by_what_it_has_taught_itself() -> None:
    question, judge = asked(2 * LEAST, told=0.0)
    found = judged_selections(question, DOCUMENTS, SILO_OF, judge)
    assert found[1, LEARNT]["recall_10"].mean() < 0.6


def test_half_of_few_questions_is_too_little_to_learn_from() -> None:
    question, judge = asked(2 * LEAST - 1)
    found = judged_selections(question, DOCUMENTS, SILO_OF, judge)
    assert LEARNT not in {how for _, how in found}
