"""The record of a partner that waits for approval, made of what it showed.

The rule of this file: it is pending, pinned to the root key that the invitation or request names,
and holds the words that both administrators compare.
"""

from node.federation.peer import PeerRecord
from node.federation.transport import Transport
from protocol.card import Card
from protocol.root import RootDocument


def pending(
    theirs: tuple[RootDocument, Card],
    pin: str,
    root_raw: bytes,
    card_raw: bytes,
    transport: Transport,
    words: str,
    at: int,
) -> PeerRecord:
    """Return the record of the partner whose accepted documents are `theirs`.

    `pin` is the root key's id, `root_raw` and `card_raw` the signed envelopes, `at` epoch seconds.
    """
    root, card = theirs
    return PeerRecord(
        organisation=root.organisation,
        state="pending",
        pinned=pin,
        root=root_raw.decode(),
        card=card_raw.decode(),
        reach=transport.reach,
        allow_private=transport.allow_private,
        allow_plaintext=transport.allow_plaintext,
        ca_file=transport.ca_file,
        added_at=at,
        changed_at=at,
        words=words,
        log_origin=card.log_origin,
    )
