"""Reading partners' logs: proofs of leaves, and hashes of the tree, by signed requests.

Rule of this file: the answers' signatures are not looked at, because what is read proves itself or
is nothing; whoever asks verifies it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocol.merkle import HASH_BYTES, node_hash
from protocol.profile import PROOFS, endpoint_of
from protocol.proofs_message import Proofs, ProofsRequest
from protocol.tiles import HEIGHT, WIDTH, Tile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.federation.peer import Peer
    from node.federation.signed_requests import SignedRequests
    from protocol.profile import Endpoint

DEADLINE_S = 5.0


class NotRead(Exception):
    """The partner gave nothing that helps; the text says why."""


class PartnerLogs:
    """Reads; one per node, on its event loop."""

    def __init__(self, requests: SignedRequests) -> None:
        self._requests = requests

    async def proofs(self, peer: Peer, leaves: Sequence[int], seen: int | None) -> Proofs:
        """Return proofs of leaves of a partner's log; `seen`: the size of a tree to go on from.

        Raises TransportError, Refused or NotRead.
        """
        request = ProofsRequest(leaves=tuple(leaves), seen=seen)
        return Proofs.parse(await self._read(peer, PROOFS, request.encode()))

    async def root_of_first(self, peer: Peer, level: int, size: int) -> bytes:
        """Return the root of the first 2^`level` leaves of a tree of `size` leaves, as it says.

        Raises TransportError or NotRead.
        """
        above, within = divmod(level, HEIGHT)
        width = min(WIDTH, size >> (HEIGHT * above))
        tile = await self._read(peer, endpoint_of(Tile(above, 0, width)))
        if len(tile) != width * HASH_BYTES:
            raise NotRead(f"its tile has {len(tile)} bytes")
        hashes = [tile[n * HASH_BYTES : (n + 1) * HASH_BYTES] for n in range(1 << within)]
        while len(hashes) > 1:
            hashes = [node_hash(*hashes[n : n + 2]) for n in range(0, len(hashes), 2)]
        return hashes[0]

    async def _read(self, peer: Peer, endpoint: Endpoint, body: bytes = b"") -> bytes:
        request = self._requests.sign(peer, endpoint, body)
        answer = await self._requests.send(peer, request, DEADLINE_S)
        if answer.status != 200:
            raise NotRead(f"it answered with status {answer.status}")
        return answer.body
