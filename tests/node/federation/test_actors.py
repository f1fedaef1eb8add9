"""Actor commitments: openable one by one, otherwise unlinkable."""

from node.federation.actors import Actors, committed

ACTORS = Actors(bytes(range(32)))


def test_the_key_of_a_question_opens_its_commitment() -> None:
    assert committed(ACTORS.opening("q1"), "mara") == ACTORS.commitment("q1", "mara")


def test_one_persons_questions_cannot_be_linked() -> None:
    assert ACTORS.commitment("q1", "mara") != ACTORS.commitment("q2", "mara")


def test_a_name_cannot_be_tried_without_the_key() -> None:
    assert Actors(bytes(32)).commitment("q1", "mara") != ACTORS.commitment("q1", "mara")


def test_another_name_gives_another_commitment() -> None:
    assert ACTORS.commitment("q1", "mara") != ACTORS.commitment("q1", "noor")
