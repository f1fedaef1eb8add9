"""Sketches of a day: counted as comparing all pairs counts them, and no crowd can be washed out."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from node.federation.sketches import BITS, NEAR_BITS, Sketches

CENTRES = np.random.default_rng(3).integers(0, 256, (4, BITS // 8), dtype=np.uint8)


def sketch(centre: int, flipped: int) -> bytes:
    """A sketch that differs from a centre in so many of its first bits."""
    bits = np.unpackbits(CENTRES[centre])
    bits[:flipped] ^= 1
    return np.packbits(bits).tobytes()


def apart(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def near(sketches: Sketches, made: bytes) -> int:
    """How many lie near: the least limit under which one more is taken, less one."""
    count = next(n for n in range(len(sketches) + 1) if sketches.add([(b"one more", made)], n + 1))
    sketches.discard(b"one more")
    return count


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 30), st.integers(0, 3), st.integers(0, 45)),
        max_size=200,
    )
)
def test_near_ones_are_those_that_comparing_each_finds(
    steps: list[tuple[bool, int, int, int]],
) -> None:
    sketches, known = Sketches(), dict[bytes, bytes]()
    for adds, number, centre, flipped in steps:
        mark, made = bytes([number]), sketch(centre, flipped)
        if adds:
            sketches.add([(mark, made)])
            known.setdefault(mark, made)
        else:
            sketches.discard(mark)
            known.pop(mark, None)
        assert near(sketches, made) == sum(apart(one, made) <= NEAR_BITS for one in known.values())
        assert len(sketches) == len(known)
        assert all(mark in sketches for mark in known)


def test_among_many_the_near_ones_are_found_as_among_few() -> None:
    """Beyond some thousands most drop out by one word; what differs in every bit is not near."""
    crowd = [sketch(0, flipped) for flipped in (0, 19, 20, 21, 22)]
    opposite = bytes(255 - byte for byte in crowd[0])
    others = np.random.default_rng(5).integers(0, 256, (5_000, BITS // 8), dtype=np.uint8)
    for count in (10, 5_000):
        sketches = Sketches()
        for number, made in enumerate([*crowd, opposite, *map(bytes, others[:count])]):
            sketches.add([(number.to_bytes(2), made)])
        assert not sketches.add([(b"new", sketch(0, 0))], 3)
        assert sketches.add([(b"new", sketch(0, 0))], 4)


def test_other_questions_in_whatever_number_do_not_have_a_crowd_forgotten() -> None:
    sketches = Sketches(most=50)
    for number in range(10):
        sketches.add([(b"crowd %d" % number, sketch(0, number))])
    others = np.random.default_rng(4).integers(0, 256, (500, BITS // 8), dtype=np.uint8)
    for number, other in enumerate(others):
        sketches.add([(b"%d" % number, other.tobytes())])
        sketches.trim(())
        assert len(sketches) <= 50
    assert near(sketches, sketch(0, 5)) == 10
    assert b"499" in sketches
    assert b"0" not in sketches


def test_what_is_under_way_is_not_forgotten_and_what_lost_its_crowd_is_alone_again() -> None:
    sketches = Sketches([(b"a", sketch(0, 0)), (b"b", sketch(1, 0))], most=2)
    sketches.add([(b"c", sketch(2, 0))])
    assert sketches.trim([b"a"]) == [b"b"]
    sketches.add([(b"near a", sketch(0, 1))])
    sketches.discard(b"near a")
    sketches.add([(b"d", sketch(3, 0))])
    assert sketches.trim(()) == [b"a"]
    sketches.add([(b"e", sketch(1, 0))])
    assert sketches.trim([b"c", b"d", b"e"]) == [], "more than `most` only while all are under way"


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 45)), max_size=40),
    st.integers(0, 40),
    st.integers(1, 12),
    st.integers(0, 20),
)
def test_a_batch_is_counted_as_its_sketches_one_after_the_other(
    asked: list[tuple[int, int]], known: int, limit: int, most: int
) -> None:
    made = [(bytes([number]), sketch(number % 3, flipped)) for number, flipped in asked]
    one_by_one, together = Sketches(made[:known], most), Sketches(made[:known], most)
    taken = all(one_by_one.add([each], limit) for each in made[known:])
    assert together.add(made[known:], limit) == taken
    if taken:
        for _, each in made:
            assert near(one_by_one, each) == near(together, each)
        assert one_by_one.trim(()) == together.trim(())
    else:
        assert len(together) == len({mark for mark, _ in made[:known]})
