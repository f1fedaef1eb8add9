"""What came back is no answer; where the clocks are why, by how much they lie apart.

The rule of this file: a partner's clock is read from what it signed, or from the Date of a refusal
that says that this node's time is the reason. The first is believed where the answer would have
been accepted at the very second at which it says that it was made; the second nobody signed.
"""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from protocol.answer_refused import AnswerRefused
from protocol.limits import CLOCK_SKEW_S
from protocol.problems import Code

if TYPE_CHECKING:
    from protocol.accept_answer import RawAnswer

SKEW_FIX = (
    "Keep both clocks synchronised (NTP). `interlingua doctor` on either side says whether its own "
    "clock is doubted."
)
"""What to do where two clocks lie too far apart."""


class Unverifiable(Exception):
    """Something came back that is no answer.

    Attributes:
        reason: which check failed.
        claimed: the code that it claims, a mere hint.
        their_time: what the partner's clock said (epoch seconds, UTC), where the clocks are why.
    """

    def __init__(
        self,
        reason: str,
        detail: str,
        claimed: str | None = None,
        their_time: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.claimed = claimed
        self.their_time = their_time

    @property
    def words(self) -> str:
        """What is wrong, with what an unsigned answer claims."""
        if self.claimed is None or self.their_time is not None:
            return str(self)
        return f"{self}; it claims {self.claimed}"


def unverifiable(
    error: AnswerRefused,
    partner: str,
    answer: RawAnswer,
    accept_at: Callable[[int], object],
    at: int,
) -> Unverifiable:
    """Say of a refused answer of `partner` what it is, and measure the clocks where they are why.

    `accept_at` judges the answer as if it had come at another second; `at` is now.
    """
    theirs = _their_time(error, answer, accept_at)
    if theirs is None or abs(theirs - at) <= CLOCK_SKEW_S:
        return Unverifiable(error.reason, str(error), error.claimed)
    words = f"{skew(partner, theirs - at)} {SKEW_FIX}"
    return Unverifiable("clock-skew", words, error.claimed, theirs)


def skew(partner: str, ahead_s: int) -> str:
    """Say in one sentence how far a partner's clock is ahead of the own one (seconds)."""
    side = "ahead of" if ahead_s > 0 else "behind"
    return (
        f"The clock of {partner} is {abs(ahead_s)} seconds {side} the one here; partners accept "
        f"{CLOCK_SKEW_S}."
    )


def date_of(answer: RawAnswer) -> int | None:
    """The Date of an HTTP answer as epoch seconds; None where it has none that can be read."""
    said = {key.lower(): value for key, value in answer.headers}.get(b"date", b"")
    try:
        return int(parsedate_to_datetime(said.decode("ascii")).timestamp())
    except (ValueError, UnicodeDecodeError, OverflowError):
        return None


def _their_time(
    error: AnswerRefused, answer: RawAnswer, accept_at: Callable[[int], object]
) -> int | None:
    if error.claimed == Code.OUTSIDE_TIME_WINDOW:
        return date_of(answer)
    if error.reason != "time" or error.created is None:
        return None
    try:
        accept_at(error.created)
    except AnswerRefused:
        return None
    return error.created
