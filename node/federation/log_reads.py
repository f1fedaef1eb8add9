"""A partner reads the tree of this node's log: the checkpoint, proofs and tiles of hashes, signed.

Rule of this file: nothing that is read leaves a leaf, or a log that is followed would grow for ever
by being followed; and nothing of a leaf but its hash is given, which its salt makes unguessable.
"""

import asyncio
from typing import TYPE_CHECKING

from node.audit import tiles
from node.audit.errors import AuditError
from node.federation.replies import RawResponse, Replies
from node.witness.prover import prove
from protocol.accept_query import AcceptedRequest
from protocol.messages import QUERY_TYPE
from protocol.problems import Code, Refused
from protocol.profile import CHECKPOINT, PROOFS, TILE, tile_at
from protocol.proofs_message import ProofsRequest

if TYPE_CHECKING:
    from node.audit.log import AuditLog

LOG_READS = frozenset({CHECKPOINT.name, PROOFS.name, TILE.name})
"""Endpoints whose requests come here once they are admitted."""


async def read_log(
    accepted: AcceptedRequest, log: "AuditLog", replies: Replies, needed: int, at: int
) -> RawResponse:
    """Answer an admitted request for the checkpoint, for proofs or for a tile.

    `needed`: how many organisations beside the two shall have cosigned what proofs lead to.
    Raises Refused: `no-such-tile`, or `unavailable` where the log cannot be read.
    """
    tile = tile_at(accepted.endpoint.path)
    try:
        if accepted.endpoint is PROOFS:
            request = ProofsRequest.parse(accepted.body)
            proofs = await asyncio.to_thread(prove, log, accepted.from_, needed, request)
            return replies.resource(accepted, QUERY_TYPE, proofs.encode(), at, tiles.CHANGES)
        if tile is None:
            note = await asyncio.to_thread(tiles.checkpoint, log.path)
            return replies.resource(accepted, tiles.CHECKPOINT_TYPE, note, at, tiles.CHANGES)
        content = await asyncio.to_thread(tiles.read, log.path, tile)
    except AuditError as error:
        raise Refused(Code.UNAVAILABLE, str(error), authenticated=True) from error
    if content is None:
        raise Refused(Code.NO_SUCH_TILE, f"{tile.path} is not there", authenticated=True)
    return replies.resource(accepted, tiles.TILE_TYPE, content, at, tiles.STAYS)
