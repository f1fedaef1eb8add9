"""A partner reads the tree of this node's log: the checkpoint and tiles of hashes, signed.

Rule of this file: nothing that is read leaves a leaf, or a log that is followed would grow for ever
by being followed; and nothing of a leaf but its hash is given, which its salt makes unguessable.
"""

import asyncio
from typing import TYPE_CHECKING

from node.audit import tiles
from node.audit.errors import AuditError
from node.federation.replies import RawResponse, Replies
from protocol.accept_query import AcceptedRequest
from protocol.problems import Code, Refused
from protocol.profile import CHECKPOINT, TILE, tile_at

if TYPE_CHECKING:
    from node.audit.log import AuditLog

LOG_READS = frozenset({CHECKPOINT.name, TILE.name})
"""Endpoints whose requests come here once they are admitted."""


async def read_log(
    accepted: AcceptedRequest, log: "AuditLog", replies: Replies, at: int
) -> RawResponse:
    """Answer an admitted request for the checkpoint or a tile.

    Raises Refused: `no-such-tile`, or `unavailable` where the log cannot be read.
    """
    tile = tile_at(accepted.endpoint.path)
    try:
        if tile is None:
            note = await asyncio.to_thread(tiles.checkpoint, log.path)
            return replies.resource(accepted, tiles.CHECKPOINT_TYPE, note, at, tiles.CHANGES)
        content = await asyncio.to_thread(tiles.read, log.path, tile)
    except AuditError as error:
        raise Refused(Code.UNAVAILABLE, str(error), authenticated=True) from error
    if content is None:
        raise Refused(Code.NO_SUCH_TILE, f"{tile.path} is not there", authenticated=True)
    return replies.resource(accepted, tiles.TILE_TYPE, content, at, tiles.STAYS)
