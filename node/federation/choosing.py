"""Choosing whom a question goes to by what silos gave before, and learning from what they give.

The rule of this file: what a person names is asked, and teaches nothing, because nothing can be
compared with it. Learning follows choosing: where no limit is wanted, nothing is kept.
"""

import random
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from node.federation.choice import EVERYBODY, Choice, Silo, choose
from node.federation.selection import offered_for

if TYPE_CHECKING:
    from node.federation.ask import AskRequest, AskResult
    from node.federation.asking import QuestionUnderWay
    from node.federation.partner_offers import PartnerOffers
    from node.federation.past_answers import PastAnswers
    from node.federation.readings import Reading


class Chooser:
    """Chooses silos for each question; one per node."""

    def __init__(
        self, past: "PastAnswers", offers: "PartnerOffers", select: int, explore: float
    ) -> None:
        """`select` (0: all) and `explore` (0 to 1) hold where a question says nothing."""
        self._past = past
        self._offers = offers
        self._select = select
        self._explore = explore
        self._draw = random.SystemRandom()

    def choice(self, job: "QuestionUnderWay", partners: Sequence[str]) -> Choice:
        """Return who is left out of a question to these partners."""
        most = self._limit(job.request)
        if most == 0:
            return EVERYBODY
        expected = self._past.expected(job.encoded.envelope.space_id, job.encoded.vectors)
        open_here = {
            silo: each for silo, each in expected.items() if self._offered(silo, job.request)
        }
        return choose(open_here, partners, most, self._explore, self._draw)

    def learn(
        self, job: "QuestionUnderWay", result: "AskResult", readings: Sequence["Reading"]
    ) -> None:
        """Keep which part of each merged list the silos gave, where several could be compared."""
        answered = [r.status for r in readings if r.rankings]
        partners = [(s.organisation, str(s.collection)) for s in answered if not s.own]
        if self._limit(job.request) == 0 or len(answered) < 2 or not partners:
            return
        gave = []
        for hits in result.results:
            held = Counter((hit.organisation, hit.collection) for hit in hits)
            gave.append({silo: held[silo] / job.request.k for silo in partners})
        self._past.learn(job.encoded.envelope.space_id, job.encoded.vectors, gave)

    def _limit(self, request: "AskRequest") -> int:
        if request.collections:
            return 0
        return self._select if request.select is None else request.select

    def _offered(self, silo: Silo, request: "AskRequest") -> bool:
        """Whether a silo was open for the purpose when its partner was asked last."""
        organisation, collection = silo
        known = self._offers.known(organisation)
        return known is None or offered_for(request.purpose, collection, known)
