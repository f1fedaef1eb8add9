"""What is kept of silos' earlier answers: private, bounded, and gone when it is forgotten."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from node.federation import past_answers
from node.federation.likely import LEAST
from node.federation.past_answers import KEPT_S, LEARNT_WITHIN_S, PastAnswers
from node.store.store import Store

SPACE = "sha256:" + "a" * 64
CLINIC, LAB = ("clinic.example", "docs"), ("lab.example", "docs")
NOW = 1_800_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "store.db")
    yield opened
    opened.close()


def vectors(count: int, first: float = 1.0) -> np.ndarray:
    rows = np.random.default_rng(count).standard_normal((count, 8)).astype(np.float32)
    rows[:, 0] += np.float32(first)
    return rows


def learnt(store: Store, count: int = LEAST, at: int = NOW) -> PastAnswers:
    past = PastAnswers(store, lambda: at)
    past.learn(SPACE, vectors(count), [{CLINIC: 0.7, LAB: 0.3}] * count)
    return past


def test_what_was_learnt_is_there_after_a_restart(store: Store) -> None:
    before = learnt(store).expected(SPACE, vectors(1))
    assert before[CLINIC].share == pytest.approx(0.7)
    assert before[LAB].answers == LEAST
    learnt(store, 0).flush()
    first = learnt(store)
    first.flush()
    assert PastAnswers(store, lambda: NOW).expected(SPACE, vectors(1)) == first.expected(
        SPACE, vectors(1)
    )


def test_questions_of_another_space_say_nothing(store: Store) -> None:
    assert learnt(store).expected("sha256:" + "b" * 64, vectors(1)) == {}


def test_too_few_answers_say_nothing(store: Store) -> None:
    assert learnt(store, LEAST - 1).expected(SPACE, vectors(1)) == {}


def test_old_questions_say_nothing_and_are_deleted(store: Store) -> None:
    learnt(store).flush()
    later = PastAnswers(store, lambda: NOW + KEPT_S + 1)
    assert later.expected(SPACE, vectors(1)) == {}
    assert later.remembered() == []


def test_only_the_newest_are_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past_answers, "KEPT", 2 * LEAST)
    past = learnt(store, 2 * LEAST)
    past.learn(SPACE, vectors(LEAST), [{CLINIC: 0.1}] * LEAST)
    expected = past.expected(SPACE, vectors(1))
    assert expected[LAB].answers == LEAST
    assert expected[CLINIC].answers == 2 * LEAST
    assert [each.answers for each in past.remembered()] == [2 * LEAST, LEAST]


def test_one_partner_is_forgotten_without_the_others(store: Store) -> None:
    past = learnt(store)
    assert past.forget("clinic.example") == LEAST
    assert [each.organisation for each in past.remembered()] == ["lab.example"]
    assert CLINIC not in past.expected(SPACE, vectors(1))


def test_a_question_that_only_the_forgotten_partner_answered_goes_with_it(store: Store) -> None:
    past = PastAnswers(store, lambda: NOW)
    past.learn(SPACE, vectors(2), [{CLINIC: 0.7}, {CLINIC: 0.7, LAB: 0.3}])
    assert past.forget("clinic.example") == 2
    assert past.asked_at([NOW]) == 1
    raw = vectors(2)[0].tobytes()
    assert raw not in store.path.with_name("store.db-wal").read_bytes()


def test_what_was_learnt_when_a_question_was_asked_goes_with_it_and_the_rest_stays(
    store: Store,
) -> None:
    """Nothing tells which vector is whose, so the time decides: from sending to the last answer."""
    clock = [NOW]
    past = PastAnswers(store, lambda: clock[0])
    for clock[0] in (NOW, NOW + LEARNT_WITHIN_S, NOW + LEARNT_WITHIN_S + 1):
        past.learn(SPACE, vectors(LEAST), [{CLINIC: 0.7}] * LEAST)
    assert past.asked_at([NOW - 7 * LEARNT_WITHIN_S, NOW + 7 * LEARNT_WITHIN_S], delete=True) == 0
    assert past.asked_at([NOW]) == 2 * LEAST
    assert past.remembered()[0].answers == 3 * LEAST, "only counted"
    assert past.asked_at([NOW], delete=True) == 2 * LEAST
    assert past.expected(SPACE, vectors(1))[CLINIC].answers == LEAST
    assert past.remembered()[0].oldest == NOW + LEARNT_WITHIN_S + 1
    assert past.asked_at([NOW + LEARNT_WITHIN_S], delete=True) == LEAST
    raw = vectors(LEAST)[0].tobytes()
    files = [store.path, store.path.with_name("store.db-wal")]
    assert not any(raw in file.read_bytes() for file in files)


def test_a_file_that_cannot_be_read_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "selection.db"
    path.write_bytes(b"no database at all, whoever wrote it" * 200)
    past = PastAnswers.open(path, lambda: NOW)
    past.learn(SPACE, vectors(LEAST), [{CLINIC: 0.7}] * LEAST)
    past.close()
    again = PastAnswers.open(path, lambda: NOW)
    assert again.remembered()[0].answers == LEAST
    again.close()


def test_forgetting_everything_leaves_no_vector_in_the_file(store: Store) -> None:
    past = learnt(store)
    past.flush()
    raw = vectors(LEAST)[0].tobytes()
    files = [store.path, store.path.with_name("store.db-wal")]
    assert any(raw in file.read_bytes() for file in files)
    assert past.forget(None) == LEAST
    assert past.expected(SPACE, vectors(1)) == {}
    store.vacuum()
    assert not any(raw in file.read_bytes() for file in files)


def test_vectors_are_not_called_erased_while_another_program_reads_them(store: Store) -> None:
    past = learnt(store)
    past.flush()
    raw = vectors(LEAST)[0].tobytes()
    files = [store.path, store.path.with_name("store.db-wal")]
    with closing(sqlite3.connect(store.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM past_questions").fetchone()
        assert past.asked_at([NOW], delete=True) == LEAST
        assert past.unemptied
        assert any(raw in file.read_bytes() for file in files)
        past.flush()
        assert past.unemptied
    past.flush()  # as it does every few seconds
    assert not past.unemptied
    assert not any(raw in file.read_bytes() for file in files)
