"""Proving leaves of the own log to the partner that holds their receipts, under a cosigned tree.

Rule of this file: it tells nothing but hashes and what witnesses signed, and appends no leaf: the
receipts that follow an answer would else make new answers to follow.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from protocol.cosignature import witness_name
from protocol.proofs_message import Proofs, ProofsRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.audit.cosigned_rows import CosignedCheckpoint
    from node.audit.log import AuditLog


def prove(log: AuditLog, peer: str, needed: int, request: ProofsRequest) -> Proofs:
    """Answer a partner's request; with nothing while no tree was cosigned.

    `needed`: how many organisations beside the two shall have cosigned, where there are so many.
    """
    shown = best(log.cosigned(), peer, needed)
    if shown is None:
        return Proofs(paths=())
    consistency = None
    if request.seen is not None and request.seen <= shown.size:
        consistency = _texts(log.consistency(request.seen, shown.size))
    paths = log.inclusion(request.leaves, shown.size)
    return Proofs(
        checkpoint=shown.note.decode(),
        paths=tuple(None if path is None else _texts(path) for path in paths),
        consistency=consistency,
    )


def best(kept: Sequence[CosignedCheckpoint], peer: str, needed: int) -> CosignedCheckpoint | None:
    """Return the checkpoint that serves a partner best: enough others cosigned it, then size."""

    def worth(one: CosignedCheckpoint) -> tuple[int, int]:
        return (min(needed, len(one.names - {witness_name(peer)})), one.size)

    return max(kept, key=worth, default=None)


def _texts(path: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(base64.b64encode(hash_).decode("ascii") for hash_ in path)
