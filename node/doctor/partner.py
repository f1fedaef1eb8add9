"""Checks of everything between this node and one partner, in the order of a question's way.

The rule of this file: each finding names one cause, and where that can only be mended on the other
side, its fix says what the other admin is to do. Nothing is sent to a partner that is not active.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from node.doctor.finding import Finding, problem, warning
from node.doctor.partner_offers import check_offers
from node.federation.client import TransportError
from node.federation.refresh import CARD_PATH, FETCH_DEADLINE_S, ROOT_PATH
from node.federation.unverifiable import SKEW_FIX, date_of, skew
from protocol.accept_answer import RawAnswer
from protocol.card import accept_card
from protocol.document import DocumentRefused
from protocol.limits import CLOCK_SKEW_S, MAX_DOCUMENT_BYTES
from protocol.root import accept_root

if TYPE_CHECKING:
    from node.federation.peer import Peer
    from node.node import Node

CHECKS = (
    "state",
    "reachable",
    "clock",
    "root",
    "card",
    "keys",
    "log",
    "offers",
    "routes",
    "grants",
)
SOON_S = 7 * 86_400

_STATES = {
    "pending": 'interlingua peer approve {name} --words "..." (the words that its admin reads out)',
    "paused": "interlingua peer resume {name}",
    "revoked": "Only a new pairing ends this: interlingua peer invite --for {name}",
}


async def check_partner(node: Node, name: str) -> AsyncIterator[Finding]:
    """Everything between this node and the partner `name`; raises PeerUnknown."""
    peer = node.peers.get(name)
    if peer.state != "active":
        fix = _STATES[peer.state].format(name=name)
        yield problem(f"peer-{peer.state}", f"{name} is {peer.state} here.", fix)
        return
    reached, skewed = True, False
    if peer.root.url is not None:
        async for finding in _reach(node, peer, peer.root.url):
            reached = reached and finding.code in ("clock-skew", "clock-unknown")
            skewed = skewed or finding.code == "clock-skew"
            yield finding
    peer = node.peers.get(name)
    for finding in (*_periods(peer, node.clock()), *_log(peer), *_grants(node, name)):
        yield finding
    if peer.root.url is not None and reached and peer.log_approved:
        async for finding in check_offers(node, peer):
            if not (skewed and finding.code == "clock-skew"):  # measured already
                yield finding


async def _reach(node: Node, peer: Peer, url: str) -> AsyncIterator[Finding]:
    """The node answers, its clock agrees, its documents can follow those that are held."""
    try:
        root, card = (
            await _get(node, peer, url + ROOT_PATH),
            await _get(node, peer, url + CARD_PATH),
        )
    except TransportError as error:
        yield problem(getattr(error, "code", error.kind), f"{error}.", getattr(error, "fix", ""))
        return
    for finding in _clock(peer.organisation, root, node.clock()):
        yield finding
    outcome = await node.refresher.refresh(peer.organisation)
    judged = list(_judge(node.peers.get(peer.organisation), root.body, card.body, node.clock()))
    for finding in judged:
        yield finding
    if outcome.problem and not judged:
        yield problem(
            "documents",
            f"The documents of {peer.organisation} could not be renewed: {outcome.problem}.",
            "Ask its admin to run `interlingua doctor`.",
        )


async def _get(node: Node, peer: Peer, url: str) -> RawAnswer:
    """One of the documents; raises TransportError, also for another status than 200."""
    answer = await node.client.exchange(
        url,
        peer.transport,
        "GET",
        [("Accept", "application/json")],
        None,
        deadline_s=FETCH_DEADLINE_S,
        max_bytes=MAX_DOCUMENT_BYTES,
    )
    if answer.status != 200:
        raise TransportError(f"{url} answered with status {answer.status}")
    return answer


def _clock(name: str, answer: RawAnswer, now: int) -> Iterator[Finding]:
    theirs = date_of(answer)
    if theirs is None:
        yield warning(
            "clock-unknown",
            f"The answers of {name} have no date, so its clock is not known.",
            "Let its proxy pass the Date field on.",
        )
        return
    if abs(theirs - now) > CLOCK_SKEW_S:
        yield problem("clock-skew", skew(name, theirs - now), SKEW_FIX)


def _judge(peer: Peer, root_raw: bytes, card_raw: bytes, now: int) -> Iterator[Finding]:
    """What is served now may follow what is held; a code for each way in which it may not."""
    fix = f"Ask the admin of {peer.organisation}: its node serves what it must not."
    try:
        root = accept_root(root_raw, peer.record.pinned, peer.root, now)
    except DocumentRefused as error:
        yield problem(f"root-{error.reason}", f"Its root document is refused: {error}.", fix)
        return
    try:
        accept_card(card_raw, root, peer.card, now)
    except DocumentRefused as error:
        yield problem(f"card-{error.reason}", f"Its card is refused: {error}.", fix)


def _periods(peer: Peer, now: int) -> Iterator[Finding]:
    name, root = peer.organisation, peer.root
    if root.expires <= now + SOON_S:
        how = problem if root.expires <= now else warning
        yield how(
            "root-expiry",
            f"The root document of {name} is valid until {root.expires} (epoch seconds).",
            f"Ask the admin of {name} to renew it: its root key is needed.",
        )
    if peer.card.expires <= now:
        yield problem(
            "card-expired",
            f"The newest card that is held of {name} has expired.",
            "Its node must be running and reachable, or bring a new one when it asks.",
        )
    for purpose in ("sign", "log"):
        ends = [key.not_after for key in root.keys if key.purpose == purpose]
        last = max(ends, default=0)
        if last <= now + SOON_S:
            how = problem if last <= now else warning
            yield how(
                "key-expiry",
                f"No {purpose} key of {name} is valid beyond {last} (epoch seconds).",
                f"Ask the admin of {name} to publish a successor.",
            )


def _log(peer: Peer) -> Iterator[Finding]:
    if not peer.log_approved:
        yield problem(
            "log-not-approved",
            f"{peer.organisation} has opened another audit log, {peer.card.log_origin}.",
            f"Ask its admin what was lost, then: interlingua peer approve-log {peer.organisation}",
        )


def _grants(node: Node, name: str) -> Iterator[Finding]:
    if not any(grant.peer == name for grant in node.policy.current.grants):
        yield warning(
            "no-grant",
            f"No grant lets {name} ask anything here.",
            "Where it is to ask: interlingua policy apply GRANTS.toml",
        )
