"""Checks of time, keys and documents: what expires, and whether the clock can be believed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from node import expiries
from node.doctor.finding import Finding, problem, warning
from node.expiries import EXPORT
from node.log_succession import KEPT_TERMS
from protocol.limits import CLOCK_SKEW_S

if TYPE_CHECKING:
    from node.node import Node

DAY_S = 86_400
CORRECT = (
    f"Correct the clock and keep it synchronised (NTP): partners accept {CLOCK_SKEW_S} seconds. "
    "Where it is right: the doubt ends when most partners agree, or after a day."
)
ROOT_SOON_S = 21 * DAY_S  # the node itself renews with 30 days left, if it has the key


def check_identity(node: Node) -> Iterator[Finding]:
    """The clock, the root document, the keys that it names, the card."""
    now, root = node.clock(), node.identity.root
    if now + CLOCK_SKEW_S < root.issued:
        yield problem(
            "clock",
            f"The clock says {_day(now)}, but the root document was issued {_day(root.issued)}.",
            CORRECT,
        )
        return
    doubt = node.clock_watch.doubt()
    if doubt is not None:
        yield problem(
            "clock", f"{doubt.sentence} No key or root document is renewed meanwhile.", CORRECT
        )
    yield from _root(node, now)
    for each in expiries.own(node):
        if each.kind in ("key", "root-key") and each.is_near(now):
            how = problem if each.at <= now else warning
            yield how("key-expiry", each.sentence(now), each.fix)
    yield from _log_terms(node)
    yield from _draft(node)
    if root.expires > now and node.identity.kid("card"):
        yield from _card(node)


def _root(node: Node, now: int) -> Iterator[Finding]:
    root, has_key = node.identity.root, node.identity.has_root_key
    fix = "Start the node: it renews the document itself." if has_key else EXPORT
    if root.expires <= now:
        yield problem("root-expired", f"The root document expired {_day(root.expires)}.", fix)
    elif root.expires - now < ROOT_SOON_S:
        yield warning("root-expiry", f"The root document expires {_day(root.expires)}.", fix)
    elif node.identity.renewal_due() and not has_key:
        yield problem(
            "root-outdated", "The root document does not name the url of the settings.", fix
        )


def _log_terms(node: Node) -> Iterator[Finding]:
    left = node.roots.log_keys_left()
    if left < 0:
        yield problem(
            "log-keys-used-up",
            f"The bounds of {-left} log keys cannot be stated in the root document any more: "
            "what they sign is bounded by their time alone.",
            "Replace this node by a new identity: new keys, paired anew with every partner.",
        )
    elif left <= 2 * KEPT_TERMS:
        yield warning(
            "log-keys-used-up",
            f"The root document can state the bounds of {left} more log keys.",
            f"Do not replace log keys without need; the last {KEPT_TERMS} are kept for those that "
            "are stolen, lost or about to end.",
        )


def _draft(node: Node) -> Iterator[Finding]:
    waiting = node.identity.draft()
    if waiting is not None:
        yield warning(
            "root-draft",
            f"Version {waiting.version} of the root document waits for the root key's signature.",
            EXPORT,
        )
    for key in node.identity.root.keys:
        if not node.identity.files.at_hand(key.purpose, key.kid):
            yield warning(
                "key-away",
                f"The {key.purpose} key {key.kid} is published, and its file is not in keys/.",
                f"Restore it, or interlingua key revoke {key.kid} --reason lost",
            )


def _card(node: Node) -> Iterator[Finding]:
    try:
        node.card.current()
    except Exception as error:  # a check never raises; whatever it is, it is the finding
        yield problem(
            "card", f"No card can be signed: {error}", "Correct the cause; start the node again."
        )


def _day(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
