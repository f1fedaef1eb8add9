"""What is kept of an exchange beside its leaf.

asked      own questions, as signed (`sent` leaves), and partners' answers (`received`)
answered   partners' questions, as signed, and the payload of the own answers (`answered`)
question   the texts of an own question whose asker lets it be judged (`sent`)
actor      random bits of an own question, from which the opening of its actor is derived (`sent`)
"""

from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["asked", "answered", "actor", "question"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Content:
    """What one leaf's exchange said: the question's body, the answer's payload line, or an id."""

    kind: Kind
    question: bytes = b""
    answer: bytes = b""

    def __repr__(self) -> str:
        """Sizes alone: what it says must not reach a log line through a traceback."""
        return f"Content({self.kind}, {len(self.question)} and {len(self.answer)} bytes)"


@dataclass(frozen=True, slots=True)
class SealedAnswer:
    """A stored answer as log.db holds it; slot 0 and no bytes where none is kept."""

    slot: int = 0
    data: bytes = b""


NO_ANSWER = SealedAnswer()
