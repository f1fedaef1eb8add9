"""The bytes that go back to a partner: unsigned, signed without a receipt, or signed with one.

The rule of this file: which of the three a refusal gets is written in its code's standing
(protocol/problems.py); nothing that could prove anything to a stranger is ever signed for one.
"""

from collections.abc import Callable
from dataclasses import dataclass

from keys.signer import Signer
from node.audit.entry import Receipt
from protocol.accept_query import AcceptedRequest
from protocol.answer_body import write_body
from protocol.messages import ANSWER_TYPE, PROBLEM_TYPE
from protocol.problems import Refused
from protocol.sign import sign_answer

CHALLENGE = "Interlingua-Signature"
"""The authentication scheme that a 401 asks for: the protocol's signature."""

RETRY_AFTER_S = 5
"""What an overloaded or rate-limiting node suggests to wait (seconds)."""


@dataclass(frozen=True)
class RawResponse:
    """A response as it goes out: status, header fields in wire order, body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Replies:
    """Signs answers with the node's signing key."""

    def __init__(self, signer: Callable[[], Signer]) -> None:
        self._signer = signer

    def unsigned(self, refused: Refused) -> RawResponse:
        """Answer a sender who is not authenticated."""
        headers = [("Content-Type", PROBLEM_TYPE)]
        if refused.kind.status == 401:
            headers.append(("WWW-Authenticate", CHALLENGE))  # RFC 9110 section 15.5.2
        return RawResponse(refused.kind.status, tuple(headers), refused.problem().encode())

    def without_receipt(self, accepted: AcceptedRequest, refused: Refused, at: int) -> RawResponse:
        """Answer an authenticated request that leaves no leaf of its own."""
        body = refused.problem().encode()
        headers = sign_answer(
            accepted.binding, refused.kind.status, PROBLEM_TYPE, body, self._signer(), at
        )
        if refused.kind.status in (429, 503):
            headers.append(("Retry-After", str(RETRY_AFTER_S)))
        return RawResponse(refused.kind.status, tuple(headers), body)

    def resource(
        self,
        accepted: AcceptedRequest,
        content_type: str,
        body: bytes,
        at: int,
        further: tuple[tuple[str, str], ...],
    ) -> RawResponse:
        """Answer with something that proves itself and leaves no leaf; `further` header fields."""
        headers = sign_answer(accepted.binding, 200, content_type, body, self._signer(), at)
        return RawResponse(200, (*headers, *further), body)

    def with_receipt(
        self, accepted: AcceptedRequest, status: int, payload: bytes, receipt: Receipt, at: int
    ) -> RawResponse:
        """Answer with a payload whose leaf is durable: payload, leaf and proof."""
        body = write_body(payload, receipt.leaf, receipt.proof)
        headers = sign_answer(accepted.binding, status, ANSWER_TYPE, body, self._signer(), at)
        return RawResponse(status, tuple(headers), body)
