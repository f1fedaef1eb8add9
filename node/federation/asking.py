"""One question under way: what was asked, in which spaces, and how long partners still have."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.federation.arrivals import Arrivals
from node.federation.ask import AskRequest, ExpectedShown, SiloState, SiloStatus
from node.federation.choice import EVERYBODY, Choice
from node.federation.encode_question import Encoded
from node.federation.readings import Reading
from protocol.envelope import Envelope
from protocol.leaf import new_salt
from protocol.vectors import Vectors


@dataclass(frozen=True)
class Carried:
    """A question in a space in which partners are asked, as it is sent.

    `planned` is the partner's envelope of the space, `envelope` says what is sent of it.
    """

    planned: Envelope
    envelope: Envelope
    vectors: Vectors


@dataclass
class QuestionUnderWay:
    """A question between its encoding and its merged list.

    `queries` collects its vectors (n, d) in each space in which it was asked. All silos commit to
    contents under one key, so that they compare. `arrivals` says who is awaited. `carried` holds
    what is alike for many partners, by space, digest of the own map, and whether vectors were cut.
    `began` is on the monotonic clock. `choice` says who is left out.
    """

    request: AskRequest
    actor: str
    encoded: Encoded
    deadline_s: float
    began: float
    queries: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    commitment_key: str = field(default_factory=new_salt)
    arrivals: Arrivals = field(default_factory=Arrivals)
    choice: Choice = EVERYBODY
    carried: dict[tuple[str, str | None, bool], Carried] = field(default_factory=dict)

    def left(self) -> float:
        """Seconds that partners still have."""
        return self.began + self.deadline_s - time.monotonic()

    def status(
        self, organisation: str, collection: str | None, state: SiloState, **fields: Any
    ) -> SiloStatus:
        """Return the status of a partner's silo as of now."""
        if collection is not None:
            fields.setdefault("expected", self._expected(organisation, collection))
        return SiloStatus(
            organisation=organisation,
            collection=collection,
            own=False,
            state=state,
            elapsed_ms=round((time.monotonic() - self.began) * 1000),
            **fields,
        )

    def left_out(self, organisation: str, collections: Sequence[str]) -> list[Reading]:
        """Return what stands for collections of a partner that are not asked."""
        others = len(self.choice.expected) - len(self.choice.left)
        detail = f"{others} others are likelier to answer; --select 0 asks all"
        fields = {"code": "not-selected", "detail": detail}
        return [
            Reading(self.status(organisation, each, "not-asked", **fields)) for each in collections
        ]

    def _expected(self, organisation: str, collection: str) -> ExpectedShown | None:
        silo = (organisation, collection)
        known = self.choice.expected.get(silo)
        if known is None:
            return None
        explored = silo == self.choice.explored
        return ExpectedShown(share=known.share, answers=known.answers, explored=explored)
