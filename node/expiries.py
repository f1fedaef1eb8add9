"""What ends, when, and how long before somebody should know.

The rule of this file: one list for `doctor`, the log and the metrics, so that they never disagree.
What the node renews by itself is warned of only when it has not done so: the spans are shorter than
those after which it renews.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import structlog

from node.key_plans import ROTATING
from node.listeners.live_tls import certificate_expiry

if TYPE_CHECKING:
    from node.node import Node
    from protocol.root import RootDocument

DAY_S = 86_400

LOOK_EVERY_S = 6 * 3600.0
"""Time between two looks by the running node (seconds)."""

EXPORT = "interlingua key root export FILE; have it signed with the root key; key root import FILE."
"""How a root document is renewed whose root key is elsewhere."""

log = structlog.get_logger("expiry")

Kind = Literal[
    "root", "root-key", "key", "certificate", "partner-root", "partner-card", "grant", "agreement"
]

WARN_S: dict[Kind, int] = {
    "root": 21 * DAY_S,  # renewed with 30 days left
    "root-key": 180 * DAY_S,
    "key": 60 * DAY_S,  # replaced with 90 days left
    "certificate": 21 * DAY_S,
    "partner-root": 14 * DAY_S,
    "partner-card": 3600,  # renewed by its owner every 12 hours, fetched every 15 minutes
    "grant": 14 * DAY_S,
    "agreement": 30 * DAY_S,
}
"""How long before its end (seconds) each thing is warned of."""


@dataclass(frozen=True)
class Expiry:
    """Something that ends at `at` (epoch seconds UTC).

    Attributes:
        name: what it is, as people read it.
        fix: what to do before that.
        subject: the key purpose or organisation that it concerns; empty for the node itself.
    """

    kind: Kind
    name: str
    at: int
    fix: str
    subject: str = ""

    def is_near(self, now: int) -> bool:
        """Whether somebody should know now."""
        return self.at - now < WARN_S[self.kind]

    def sentence(self, now: int) -> str:
        """The end in words."""
        day = datetime.fromtimestamp(self.at, UTC).strftime("%Y-%m-%d %H:%M UTC")
        return f"{self.name} {'ended' if self.at <= now else 'ends'} {day}."


def own(node: Node) -> Iterator[Expiry]:
    """The own root document, keys and certificate."""
    root, here = node.identity.root, node.identity.has_root_key
    renewal = "Start the node: it renews the document itself." if here else EXPORT
    yield Expiry("root", "The root document", root.expires, renewal)
    for key in root.roots:
        fix = "interlingua key rotate root"
        yield Expiry("root-key", f"The root key {key.kid}", key.not_after, fix, "root")
    yield from _keys(root, "Start the node: it replaces the key itself." if here else None)
    path = node.settings.federation.tls_certificate
    until = certificate_expiry(path) if path is not None else None
    if until is not None:
        fix = f"Renew {path} and start the node again."
        yield Expiry("certificate", "The TLS certificate", until, fix)


def _keys(root: RootDocument, itself: str | None) -> Iterator[Expiry]:
    """The last key of each purpose: one that has a successor may end."""
    for purpose in ROTATING:
        named = [key for key in root.keys if key.purpose == purpose]
        if not named:
            continue
        last = max(named, key=lambda key: key.not_after)
        by_hand = f"interlingua key rotate {purpose}"
        name = f"The {purpose} key {last.kid}"
        yield Expiry("key", name, last.not_after, itself or by_hand, purpose)


def partners(node: Node) -> Iterator[Expiry]:
    """Active partners' documents."""
    for peer in node.peers.all():
        if peer.state != "active":
            continue
        name = peer.organisation
        fix = f"See that it can be reached: interlingua peer refresh {name}"
        yield Expiry("partner-root", f"The root document of {name}", peer.root.expires, fix, name)
        if peer.is_asked:
            yield Expiry("partner-card", f"The card of {name}", peer.card.expires, fix, name)


def grants(node: Node) -> Iterator[Expiry]:
    """Grants in force, and the agreements that they rest on."""
    fix = "Agree on more time; then change the grant file: interlingua policy apply FILE"
    for grant in node.policy.current.grants:
        name = f"grant to {grant.peer} for {grant.collection}"
        if grant.expires is not None:
            yield Expiry("grant", f"The {name}", grant.expires, fix, grant.peer)
        agreement = grant.agreement
        if agreement is not None:
            of = f"The agreement {agreement.id} of the {name}"
            yield Expiry("agreement", of, agreement.until, fix, grant.peer)


async def warn(node: Node) -> None:
    """Write a line of log for everything that ends soon; for the timer."""
    now = node.clock()
    for each in (*own(node), *partners(node), *grants(node)):
        if each.is_near(now):
            log.warning("ends soon", what=each.sentence(now), at=each.at, fix=each.fix)
