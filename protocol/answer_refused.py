"""Why something that came back is not an answer.

The rule of this file: there is one exception for everything that does not verify, and none of it is
ever shown as data. `reason` is a stable word for a status line; the text says more, for the log.
"""

from typing import Literal

Reason = Literal[
    "unsigned",  # no signature: somebody's error page, or a refusal before authentication
    "malformed",  # not in the profile's form
    "time",  # made too early or too late
    "coverage",  # does not cover what binds it to the question
    "key",  # the signer is not a usable key of the partner
    "signature",  # does not verify: changed, moved or for another question
    "digest",  # another body
    "message",  # the payload is not a message
    "mismatch",  # the payload does not fit the question
    "leaf",  # the leaf does not hold this exchange
    "receipt",  # missing, or the proof does not lead to the partner's log
]


class AnswerRefused(Exception):
    """What came back does not verify, so it is no answer.

    `claimed` is the problem code that an unsigned body claims: a hint for people (clocks that
    disagree, a wrong address), never to be acted upon. `created` is the time (epoch seconds, UTC)
    at which the answer says that it was made, where that is why; not verified either.
    """

    def __init__(
        self,
        reason: Reason,
        detail: str,
        claimed: str | None = None,
        created: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.reason: Reason = reason
        self.claimed = claimed
        self.created = created
