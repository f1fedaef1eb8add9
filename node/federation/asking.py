"""One question under way: what was asked, in which spaces, and how long partners still have."""

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.federation.ask import AskRequest, SiloState, SiloStatus
from node.federation.encode_question import Encoded
from protocol.leaf import new_salt


@dataclass
class QuestionUnderWay:
    """A question between its encoding and its merged list.

    `queries` collects its vectors (n, d) in each space in which it was asked. All silos commit to
    contents under one key, so that they compare. `began` is on the monotonic clock.
    """

    request: AskRequest
    actor: str
    encoded: Encoded
    deadline_s: float
    began: float
    queries: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    commitment_key: str = field(default_factory=new_salt)

    def left(self) -> float:
        """Seconds that partners still have."""
        return self.began + self.deadline_s - time.monotonic()

    def status(
        self, organisation: str, collection: str | None, state: SiloState, **fields: Any
    ) -> SiloStatus:
        """Return the status of a partner's silo as of now."""
        return SiloStatus(
            organisation=organisation,
            collection=collection,
            own=False,
            state=state,
            elapsed_ms=round((time.monotonic() - self.began) * 1000),
            **fields,
        )
