"""Checks of log, indexes, encoders, partners and grants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from node import expiries
from node.audit.errors import LogHeld
from node.content.retention import LATE_S
from node.doctor.finding import Finding, problem, warning
from node.operations.audit_content import why_vectors_wait
from node.operations.errors import translate
from protocol.probe import likeness

if TYPE_CHECKING:
    from node.node import Node
    from protocol.witness_policy import WitnessPolicy

ENCODER_DEADLINE_S = 20.0
HELD_FIX = (
    "interlingua serve: it compares itself with its partners, and says which of them stand in the "
    "way and what to decide"
)
READS_ALONG = (
    "End that program (a copy, a file browser for SQLite); the node goes on within an hour, or at "
    "once with the next: interlingua audit erase"
)
SOON_S = 3600
QUIET_FAILURES = 3
"""Requests in a row that a witness may fail before anybody is told."""


async def check_log(node: Node) -> AsyncIterator[Finding]:
    """The log opens, which compares its stored hashes with its last checkpoint."""
    try:
        await asyncio.to_thread(node.log.checkpoint)
    except LogHeld as error:
        yield problem(error.code, f"{error}", HELD_FIX)
    except Exception as error:
        failure = translate(error)
        yield problem(failure.code, failure.cause, failure.fix or "interlingua audit fsck")


async def check_standing(node: Node) -> AsyncIterator[Finding]:
    """No partner holds more of this node than it has: its log, its documents."""
    from node.backup.compare import compare

    held = node.log.held if _log_opens(node) else None
    try:
        comparison = await compare(node)
    except Exception as error:  # the log cannot be read: `check_log` has said why
        yield warning("not-compared", translate(error).cause, "interlingua audit fsck")
        return
    for words in comparison.behind:
        yield problem(
            "node-behind",
            f"{words}.",
            "Stop it, and restore the newest backup; where there is none newer: interlingua "
            "restore FILE --after-loss --data NEW_DIRECTORY",
        )
    if held is not None and not comparison.behind:
        yield problem("log-held", held, HELD_FIX)
    for words in comparison.ignored:
        yield warning(
            "claim-ignored",
            f"A partner claims of this node what no own signature shows: {words}.",
            "Ask its admin what it holds; compare the clocks (NTP).",
        )
    for words in comparison.not_compared:
        yield warning(
            "not-compared",
            f"What a partner holds of this node is not known: {words}.",
            "See that it can be reached: interlingua peer test ORGANISATION",
        )


async def check_content(node: Node) -> AsyncIterator[Finding]:
    """What is kept of exchanges can be read and erased, and the rules by age are applied."""
    waits = why_vectors_wait(node)
    if waits:
        yield warning("erasure-pending", f"What was erased is left: {waits}.", READS_ALONG)
    if not node.contents.is_begun:
        return
    try:
        await asyncio.to_thread(node.contents.open)
        pending = await asyncio.to_thread(node.erasures.unfinished)
        overdue = await asyncio.to_thread(node.retention.overdue)
    except Exception as error:
        failure = translate(error)
        yield problem("content", failure.cause, failure.fix)
        return
    if pending:
        yield warning(
            "erasure-pending",
            f"{pending} erasures are not finished: old pages of content_keys.db are left while "
            "another program reads it.",
            READS_ALONG,
        )
    late = [kind for kind, seconds in overdue.items() if seconds > LATE_S]
    if late:
        ran = node.retention.ran
        last = f"ran last at {shown_time(ran)}" if ran else "have not run since the start"
        yield warning(
            "retention-late",
            f"Records ({', '.join(late)}) are kept beyond their time; the rules by age {last}.",
            "Start the node: it applies them every hour. Its log says why it could not.",
        )
    if node.contents.lost:
        yield warning(
            "content-lost",
            f"{node.contents.lost} records of exchanges could not be kept since the start.",
            "Check the disk under the data directory; the log itself lacks nothing.",
        )


async def check_witnesses(node: Node) -> AsyncIterator[Finding]:
    """Witnesses cosign what is new, and no partner's log has forked."""
    from node.witness.forks import Forks
    from node.witness.known import policy_here
    from protocol.witness_policy import WitnessPolicy, witnesses_of

    for fork in Forks(node.data.forks).all():
        yield problem(
            "log-forked",
            f"The log {fork.origin} has two trees that contradict each other, both signed.",
            f"interlingua audit verify {fork.file}; show the file to its owner and other partners",
        )
    own = witnesses_of([node.identity.root])
    known = policy_here(node.settings.witness, node.peers)
    for finding in witness_keys_named_twice(WitnessPolicy(1, (*own, *known.witnesses))):
        yield finding
    for peer in node.submitter.witnesses():
        standing = node.submitter.standing(peer.organisation)
        if standing.problem is not None and standing.failures > QUIET_FAILURES:
            yield warning(
                "witness-fails",
                f"{peer.organisation} does not cosign this node's log: {standing.problem}.",
                "interlingua audit witness list",
            )


def witness_keys_named_twice(policy: WitnessPolicy) -> Iterator[Finding]:
    """Organisations that name one witness key, and which of them are believed to hold it."""
    for name, holders in sorted(policy.borrowers().items()):
        yield warning(
            "witness-key-named-twice",
            f"{name} names a witness key that {', '.join(sorted(holders))} has proved to hold, and "
            f"{name} has not: under that key {name} counts for nothing.",
            f"Ask {name} whose key it is; with a new one it counts: interlingua key rotate witness",
        )
    for hand in policy.named_together():
        names = sorted(hand)
        yield warning(
            "witness-key-named-twice",
            f"{', '.join(names)} name one witness key in their root documents: together they count "
            "as one witness, and for an exchange with one of them as none.",
            "Ask each whose key it is, and list those that are believed in witness.organisations.",
        )


async def check_collections(node: Node) -> AsyncIterator[Finding]:
    """Every index opens, and has caught up with its documents."""
    for collection in node.collections.all():
        try:
            state = await collection.index_state()
        except Exception as error:
            failure = translate(error)
            yield problem(
                "index",
                f"The index of {collection.name} does not open: {failure.cause}",
                failure.fix or f"interlingua collection compact {collection.name}",
            )
            continue
        limit = max(node.settings.index.delta_limit, state.snapshot // 8)
        if state.delta > limit:
            yield warning(
                "index-behind",
                f"{state.delta} vectors of {collection.name} are not in its index yet.",
                f"interlingua collection compact {collection.name}",
            )


async def check_versions(node: Node) -> AsyncIterator[Finding]:
    """Serving versions find what they found; looked at now, where the watch has not yet."""
    for collection in node.collections.all():
        look = node.watch.last(collection)
        if look is None:
            with suppress(Exception):  # the other checks say why it cannot be asked
                async with asyncio.timeout(ENCODER_DEADLINE_S):
                    look = await node.watch.look(collection)
        if look is not None and look.wrong:
            back = look.standing.former
            yield warning(
                "version-worse",
                f"{look.standing.serving.name} of {collection.name}: {'; '.join(look.wrong)}.",
                f"interlingua encoder test {collection.encoder.name}"
                + ("" if back is None else f"; interlingua collection rollback {collection.name}"),
            )


async def check_encoders(node: Node) -> AsyncIterator[Finding]:
    """Every encoder answers, with the model that its space was named after."""
    for encoder in node.encoders.all():
        if not encoder.takes_text:
            continue
        try:
            async with asyncio.timeout(ENCODER_DEADLINE_S):
                apart = await encoder.live.look()
        except TimeoutError:
            yield _unreachable(encoder.name, f"no answer in {ENCODER_DEADLINE_S:g} seconds")
        except Exception as error:
            yield _unreachable(encoder.name, translate(error).cause)
        else:
            if encoder.live.changed and apart is not None:
                yield problem(
                    "encoder-changed",
                    f"The model behind {encoder.name} gives other vectors than when it was added: "
                    f"its probe sketch lies {apart:.4f} from its space's, {likeness(apart)}.",
                    "Serve the former model, or add this one under a new name and re-encode.",
                )


async def check_partners(node: Node) -> AsyncIterator[Finding]:
    """Partners' cards are in force, and every grant can apply to somebody."""
    now = node.clock()
    known = {peer.organisation: peer for peer in node.peers.all()}
    for name, peer in known.items():
        if peer.is_asked and peer.card.expires < now + SOON_S:
            yield warning(
                "partner-card",
                f"The card of {name} is not in force beyond {peer.card.expires} (epoch seconds).",
                "While the node runs it fetches new ones; check that the partner can be reached.",
            )
        if peer.state == "active" and not peer.log_approved:
            yield problem(
                "log-not-approved",
                f"{name} has opened another audit log after a loss; nothing is exchanged with it.",
                f"Ask its admin what was lost, then: interlingua peer approve-log {name}",
            )
    for each in (*expiries.partners(node), *expiries.grants(node)):
        if each.kind != "partner-card" and each.is_near(now):
            yield warning(f"{each.kind}-expiry", each.sentence(now), each.fix)
    names = {collection.name for collection in node.collections.all()}
    for grant in node.policy.current.grants:
        if grant.peer not in known or grant.collection not in names:
            yield warning(
                "grant-idle",
                f"The grant to {grant.peer} for {grant.collection} applies to nothing.",
                "interlingua peer list; interlingua collection list; interlingua policy show",
            )


def shown_time(at: int) -> str:
    """Write epoch seconds for people."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _log_opens(node: Node) -> bool:
    try:
        return node.log.size() >= 0
    except Exception:  # `check_log` has said why
        return False


def _unreachable(name: str, why: str) -> Finding:
    return problem(
        "encoder-unreachable",
        f"The encoder {name} does not answer: {why}",
        f"Start what serves the model, then: interlingua encoder test {name}",
    )
