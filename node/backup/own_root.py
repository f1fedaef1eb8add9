"""Whether a root document that a partner shows is one of this organisation's own.

The rule of this file: the keys of the newest own version decide, and no earlier ones. A root key
that was retired or revoked since must not make a version that anybody here believes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocol.root import RootDocument, accept_root, read_root

if TYPE_CHECKING:
    from collections.abc import Sequence


def accept_own(raw: bytes, history: Sequence[RootDocument]) -> RootDocument:
    """Return the document in `raw` if it is a version of `history`, or may follow its newest one.

    It follows by the steps of `accept_root`: the root keys of the newest version here and its own
    signed it, and no revocation is missing. Versions in between may be missing, and another
    document of a version that is here passes too: the same keys are behind it. `history` is not
    empty, oldest first. The document may have expired. Raises DocumentRefused.
    """
    claimed, _ = read_root(raw)
    newest = history[-1]
    for own in history:
        if own.digest == claimed.digest:
            return own
    ground = newest.model_copy(
        update={"version": claimed.version - 1, "issued": min(newest.issued, claimed.issued)}
    )
    return accept_root(raw, None, ground, claimed.issued, intermediate=True)
