"""Which versions of a collection there are, and which of them answers: one immutable value.

The rule of this file: a standing is replaced as a whole, in one assignment, in the order of the
log. A question takes it once; whether it still stands is asked again just before the answer's leaf.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from node.collections.bridge import Bridge
from node.collections.course import Course
from node.collections.version import Version

FoundT = TypeVar("FoundT")


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """`serving` answers; `former` served before it and still answers questions that only it takes.

    `aside` are the others that are kept up to date (being built, or complete) and answer nothing
    but what a `course` gives them. `bridges` are all that the collection has; those that lead into
    the space of an answering version are used.
    """

    serving: Version
    former: Version | None = None
    aside: tuple[Version, ...] = ()
    course: Course | None = None
    bridges: tuple[Bridge, ...] = ()

    @property
    def answering(self) -> tuple[Version, ...]:
        """The versions that may answer, the first that can be reached does."""
        return (self.serving,) if self.former is None else (self.serving, self.former)

    @property
    def kept(self) -> list[Version]:
        """Every version that documents are written to, oldest first."""
        return sorted((*self.answering, *self.aside), key=lambda version: version.key)

    def beside(self, mark: bytes) -> Version | None:
        """The new version that answers a question together with the serving one, if any does."""
        course = self.course
        if course is None or course.row.strategy == "bridge" or not course.takes(mark):
            return None
        return course.version

    @property
    def asked_over(self) -> Bridge | None:
        """The bridge over which own questions reach the serving version; None: they need none."""
        course = self.course
        if course is None or course.row.strategy != "bridge" or course.version is not self.serving:
            return None
        into = self.serving.space_id
        source = course.source
        return next(
            (one for one in self.bridges if (one.source, one.target) == (source, into)), None
        )

    def first_reached(
        self, reach: Callable[[Version], FoundT], unreachable: type[Exception]
    ) -> tuple[Version, FoundT]:
        """Return the first answering version that `reach` does not refuse, and what it gave.

        Raises what `reach` raised for the serving version, where none can be reached.
        """
        refused: Exception | None = None
        for version in self.answering:
            try:
                return version, reach(version)
            except unreachable as error:
                refused = refused or error
        raise refused or unreachable("no version answers")
