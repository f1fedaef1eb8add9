"""Decisions out of bytes, so that whoever makes the bytes steers the fuzzing.

The rule of this file: the same bytes, the same decisions; when they run out every decision is the
first one. So hypothesis shrinks by shortening, atheris follows coverage, and a crash is one string.
"""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Choices:
    """A run of bytes that is used up by deciding."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    @property
    def over(self) -> bool:
        """Whether the bytes are used up."""
        return self._at >= len(self._raw)

    def below(self, count: int) -> int:
        """Return a number from 0 to count - 1."""
        size = 1 if count <= 256 else 4
        return int.from_bytes(self.taken(size), "big") % max(1, count)

    def pick(self, given: Sequence[T]) -> T:
        """Return one of these."""
        return given[self.below(len(given))]

    def taken(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer at the end."""
        found = self._raw[self._at : self._at + size]
        self._at += size
        return found
