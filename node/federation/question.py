"""One authenticated question on its way through the responder, and the leaf that it ends in.

The rule of this file: whatever is known of a question is in its leaf, and what could not be read of
it is left out; the same fields stand in every kind of leaf.
"""

from dataclasses import dataclass
from typing import Any

from node.federation.reservation import Reservation
from node.policy.grants import Grant
from protocol.accept_query import AcceptedRequest
from protocol.answer_line import WrittenAnswer
from protocol.canonical import digest
from protocol.leaf import (
    Acknowledged,
    Answered,
    Compared,
    Denied,
    Failed,
    Offered,
    Repeated,
    new_salt,
)
from protocol.own_values import stated
from protocol.problems import Refused
from protocol.query_message import Query


@dataclass
class Question:
    """An authenticated request; `query` is None where it has no body that could be read.

    `fault` is what stands against it before its grant is looked at.
    """

    accepted: AcceptedRequest
    reservation: Reservation
    query: Query | None = None
    grant: Grant | None = None
    policy: str | None = None
    fault: Refused | None = None

    @property
    def peer(self) -> str:
        """Who asks."""
        return self.accepted.from_

    @property
    def at(self) -> int:
        """When it arrived (epoch seconds, UTC)."""
        return self.reservation.at

    def answered(self, answer: WrittenAnswer, payload: bytes, adapter: str | None) -> Answered:
        """Return the leaf of an answer that is about to be released."""
        return stated(
            Answered,
            **self._asked(),
            version=answer.version,
            adapter=adapter,
            score_space=answer.score_space,
            epoch=answer.epoch,
            results=answer.count,
            exposed=sum(self.reservation.told.values()),
            charged=self.reservation.queries,
            answer=digest(payload),
        )

    def repeated(self, payload: bytes, first: int) -> Repeated:
        """Return the leaf of a stored answer that is given again."""
        return stated(Repeated, **self._asked(), first=first, answer=digest(payload))

    def denied(self, refused: Refused, payload: bytes) -> Denied:
        """Return the leaf of a refusal."""
        return stated(Denied, **self._asked(), reason=str(refused.code), answer=digest(payload))

    def failed(self, refused: Refused, payload: bytes) -> Failed:
        """Return the leaf of a question that failed here."""
        return stated(Failed, **self._asked(), reason=str(refused.code), answer=digest(payload))

    def offered(self, policy: str, offers: int, payload: bytes) -> Offered:
        """Return the leaf of a list of offers."""
        return stated(
            Offered, **self._sender(), policy=policy, offers=offers, answer=digest(payload)
        )

    def compared(self, policy: str, payload: bytes) -> Compared:
        """Return the leaf of what was told a partner about itself."""
        return stated(Compared, **self._sender(), policy=policy, answer=digest(payload))

    def acknowledged(self, policy: str, confirmed: tuple[int, ...], payload: bytes) -> Acknowledged:
        """Return the leaf of an acknowledgement that confirms these leaves."""
        return Acknowledged(
            **self._sender(),
            policy=policy,
            message=self.accepted.body.decode(),
            confirmed=confirmed,
            answer=digest(payload),
        )

    def _sender(self) -> dict[str, Any]:
        return {
            "at": self.at,
            "salt": new_salt(),
            "peer": self.peer,
            "query": self.accepted.body_digest,
            "key": self.accepted.kid,
            "evidence": self.accepted.evidence,
        }

    def _asked(self) -> dict[str, Any]:
        fields = self._sender()
        fields["policy"] = self.policy
        fields["grant"] = self.grant.digest if self.grant else None
        if self.query is not None:
            fields |= {
                "actor": self.query.actor,
                "purpose": self.query.purpose,
                **self._agreement(self.query),
                "collection": self.query.collection,
                "space": self.query.space,
                "granularity": self.query.granularity or (self.grant and self.grant.granularity),
                "k": self.query.k,
                "vectors": self.query.vectors.n,
            }
        return fields

    def _agreement(self, query: Query) -> dict[str, Any]:
        """The grant's agreement; before a grant was found, the one that the question names."""
        own = self.grant.agreement if self.grant is not None else None
        if own is None:
            return {"agreement": query.agreement}
        return {
            "agreement": own.id,
            "agreement_digest": own.digest,
            "agreement_until": own.until,
        }
