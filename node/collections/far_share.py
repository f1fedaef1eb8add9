"""How many of the last questions nothing was near to, in one version.

Near is what 19 of 20 held-out anchor questions reach (`node/federation/confidence.py`), so a share
of a twentieth is usual. It rises where people ask about other things, or where a model changed.
"""

from collections import deque

LAST = 200
LEAST = 20


class FarShare:
    """The last judged questions; kept in memory, from the start of the node on."""

    def __init__(self) -> None:
        """None was asked yet."""
        self._far: deque[bool] = deque(maxlen=LAST)

    def note(self, far: bool | None) -> None:
        """Count one question; None: it could not be judged."""
        if far is not None:
            self._far.append(far)

    @property
    def share(self) -> float | None:
        """The share between 0 and 1 of the last 200; None while fewer than 20 were judged."""
        return sum(self._far) / len(self._far) if len(self._far) >= LEAST else None
