"""Ids that were answered are never taken for new ones, and new ones hardly ever for answered."""

from hypothesis import given
from hypothesis import strategies as st

from node.audit.noted_ids import NotedIds

NAMES = st.tuples(st.sampled_from(["clinic.example", "lab.example"]), st.text(max_size=4))


@given(st.lists(NAMES), st.lists(NAMES))
def test_whatever_was_noted_may_be_held(
    known: list[tuple[str, str]], later: list[tuple[str, str]]
) -> None:
    ids = NotedIds(((*name, 10) for name in known), each=3)
    for name in later:
        ids.note(*name, until=10, at=5)
    assert all(ids.may_hold(*name) for name in known + later)


def test_another_peers_id_and_other_ids_are_new() -> None:
    ids = NotedIds(("clinic.example", f"id-{n}", 10) for n in range(2_000))
    assert sum(ids.may_hold("lab.example", f"id-{n}") for n in range(2_000)) < 20
    assert sum(ids.may_hold("clinic.example", f"other-{n}") for n in range(2_000)) < 20


def test_what_has_expired_makes_room_and_what_is_live_stays() -> None:
    ids = NotedIds(each=100)
    for n in range(1_000):
        ids.note("clinic.example", f"id-{n}", until=n + 250, at=n)
    assert all(ids.may_hold("clinic.example", f"id-{n}") for n in range(750, 1_000))
    assert not any(ids.may_hold("clinic.example", f"id-{n}") for n in range(100))
