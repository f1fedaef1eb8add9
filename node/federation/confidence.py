"""Whether an answer's best scores are unusually low: a flag beside the answer, never a refusal.

The rule of this file: the flag is made of what is shown anyway. It looks at the middles of the bins
that the answer holds, so it tells a partner nothing of a score that its bin does not; where ranks,
numbers or nothing but `true` are shown, there is no flag.
"""

from collections.abc import Iterable

from adapters.confidence import TopScores, low_confidence
from node.federation.disclose import ShownList, ShownRecords, middle_of

WHY = (
    "nothing there stands out: the best score is lower than for 19 of 20 held-out questions on "
    "this route"
)
"""What the flag means, for people."""


def flagged(lists: Iterable[ShownList], width: int, usual: TopScores | None) -> bool | None:
    """Say whether some list shows unusually low bins; None where no list can be judged.

    `width` is that of the bins, in thousandths. A list without any record is flagged: that nothing
    was found is shown. A list that shows ranks alone is not judged.
    """
    if usual is None:
        return None
    judged = [s for s in lists if isinstance(s, ShownRecords) and (not s.keys or s.bins)]
    if not judged:
        return None
    if not all(shown.keys for shown in judged):
        return True
    # the best score of a list decides, and the list whose best is least
    least = min(max(shown.bins) for shown in judged if shown.bins)
    return low_confidence([middle_of(least, width) / 1000], usual).low
