"""What answering a partner works with."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keys.signer import Signer
from node.clock import Clock
from node.federation.ledgers import Ledgers
from node.federation.peer import Peer
from node.federation.peers import PeerBook
from node.federation.references import References
from node.federation.routing import Routes
from node.policy.book import PolicyBook
from protocol.checkpoint import Checkpoint

if TYPE_CHECKING:
    from node.audit.log import AuditLog
    from node.collections.registry import Collections


@dataclass(frozen=True)
class Rooms:
    """What the responder and its parts share."""

    organisation: str
    authorities: Callable[[], frozenset[str]]
    signer: Callable[[], Signer]
    peers: PeerBook
    policy: PolicyBook
    collections: "Collections"
    routes: Routes
    log: "AuditLog"
    ledgers: Ledgers
    references: References
    clock: Clock
    suggest_refresh: Callable[[str], None] = field(default=lambda _name: None)
    cosigned_of: Callable[[Peer], tuple[Checkpoint, bytes] | None] = field(default=lambda _: None)
    witnesses_needed: int = 1
    seconds: Callable[[], float] = time.monotonic
