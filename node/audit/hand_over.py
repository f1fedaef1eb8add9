"""A log key takes over: one leaf, the last of its batch, whose checkpoint both keys sign.

Rule of this file: the leaf is the last one for which the key before it signs, so the size at which
the old term ends is one more than the leaf's index. A key signs a log once: it never comes back.
"""

import sqlite3
from typing import TYPE_CHECKING

from keys.signer import Signer
from keys.thumbprint import thumbprint
from node.audit.entry import Entry, TakeOver
from node.audit.errors import AlreadyRecorded
from node.audit.growth import Growth
from node.audit.log_key_rows import TOOK_OVER, is_hand_over, stated_keys
from protocol.leaf import KeyChanged
from protocol.notation import to_base64url

if TYPE_CHECKING:
    from node.audit.committer import Prepared


def hand_over_entry(takes_over: TakeOver, at: int) -> Entry:
    """Return the leaf with which a key takes the log over."""
    signer: Signer = takes_over.signer
    leaf = KeyChanged(
        at=at, key=signer.kid, use="log", event=TOOK_OVER, public=to_base64url(signer.public)
    )
    return Entry(leaf, takes_over=takes_over)


def put_last(admitted: "dict[int, Prepared]") -> "dict[int, Prepared]":
    """Put a hand-over behind everything else of its batch, so that its tree ends the old term."""
    found = {n: one for n, one in admitted.items() if one.entry.takes_over is not None}
    if not found:
        return admitted
    others = {n: one for n, one in admitted.items() if n not in found}
    return {**others, **found}


def refuse_former(
    connection: sqlite3.Connection, growth: Growth, takes_over: TakeOver | None
) -> None:
    """Raise AlreadyRecorded for a key that has signed this log, or after another in its batch."""
    if takes_over is None:
        return
    kid = takes_over.signer.kid
    if kid in {thumbprint(key.public) for key in stated_keys(connection)}:
        cause = f"The key {kid} signs this log already, or did before."
    elif any(is_hand_over(new.leaf) for new in growth.leaves):
        cause = "Another key takes over at this moment."
    else:
        return
    raise AlreadyRecorded(cause, fix="interlingua key list")
