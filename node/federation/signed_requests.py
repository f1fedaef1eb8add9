"""Requests to partners, signed in this organisation's name.

Rule of this file: each request has a fresh nonce and is sent as it was signed. What the answer is
worth is for the caller to judge.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from protocol.limits import MAX_ANSWER_BYTES, NONCE_BYTES
from protocol.root import authority_of
from protocol.sign import SignedRequest, sign_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from keys.signer import Signer
    from node.clock import Clock
    from node.federation.client import Client
    from node.federation.peer import Peer
    from protocol.accept_answer import RawAnswer
    from protocol.profile import Endpoint


class SignedRequests:
    """Signs and sends; one per node, on its event loop.

    Args:
        organisation: who asks.
        signer: the key of the moment.
        client: connections to partners.
        clock: epoch seconds, UTC.
    """

    def __init__(
        self, organisation: str, signer: Callable[[], Signer], client: Client, clock: Clock
    ) -> None:
        self._organisation, self._signer = organisation, signer
        self._client, self._clock = client, clock

    def sign(self, peer: Peer, endpoint: Endpoint, body: bytes = b"") -> SignedRequest:
        """Return a request to a partner; `body` is empty where the endpoint has none."""
        return sign_request(
            endpoint,
            authority_of(peer.url),
            self._organisation,
            peer.organisation,
            body,
            self._signer(),
            self._clock(),
            secrets.token_bytes(NONCE_BYTES),
        )

    async def send(self, peer: Peer, request: SignedRequest, deadline_s: float) -> RawAnswer:
        """Send what was signed, and return the answer unread. Raises TransportError."""
        return await self._client.exchange(
            peer.url + request.path,
            peer.transport,
            request.method,
            request.headers,
            request.body or None,
            deadline_s=deadline_s,
            max_bytes=MAX_ANSWER_BYTES,
        )
