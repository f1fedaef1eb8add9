"""The key with which this node cosigns.

Rule of this file: it needs nothing that speaks to partners, so that it is told where no network
library is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keys.keyfile import KeyFileMissing
from node.identity_errors import IdentityDamaged

if TYPE_CHECKING:
    from keys.signer import Signer
    from node.node import Node


def witness_signer(node: Node) -> Signer | None:
    """The key that cosigns now; None where this node is nobody's witness."""
    usable = node.identity.root.ring.all_usable("witness", node.clock())
    if not (node.settings.witness.offer and usable):
        return None
    try:
        return node.identity.signer("witness")
    except (KeyFileMissing, IdentityDamaged):
        return None
