"""A course: how questions are being moved from the version that serves to another model.

The rule of this file: which questions are concerned follows from the question and the course alone,
so the same question is answered in the same way again, and a larger share takes in all that a
smaller one did.
"""

import hashlib
from dataclasses import dataclass

from node.collections.version import Version
from node.store.course_rows import CourseRow


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """A course and the version that it is about; see `CourseRow`.

    `source` is the space of the model that makes questions for a bridge, else the version's.
    """

    row: CourseRow
    version: Version
    source: str

    def goes_as(self, other: "Course") -> bool:
        """Whether another course is the same way to the same model, be it at another share."""
        return (self.row.strategy, self.source) == (other.row.strategy, other.source)

    def takes(self, mark: bytes) -> bool:
        """Whether a question is concerned; `mark` tells questions apart."""
        drawn = hashlib.blake2b(mark, key=self.row.salt, digest_size=8).digest()
        return int.from_bytes(drawn, "big") % 100 < self.row.share
