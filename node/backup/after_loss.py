"""Giving up a log that was lost in part: what its successor is to say, and the documents for it.

The rule of this file: everything that partners hold is kept ahead of. The next version of the root
document follows the newest that any of them holds, the first leaf of the new log names the largest
checkpoint that any of them holds, and nobody is left out but by a person's decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from node import durable_file
from node.audit.log import AuditLog
from node.audit.origin import successor_origin
from node.backup.compare import Comparison, compare
from node.backup.errors import NotCompared, NotSettled
from node.backup.marker import Mark, Succession, read_mark, write_mark
from node.backup.own_root import accept_own
from node.identity import Identity
from node.identity_errors import RootKeyAway
from node.key_plans import immediate
from protocol.document import DocumentRefused
from protocol.root_changes import with_key

if TYPE_CHECKING:
    from keys.ring import KeyPurpose
    from node.backup.own_state import Judged
    from node.node import Node
    from protocol.root import RootDocument


@dataclass(frozen=True)
class GivenUp:
    """What was planned: the succession, what partners hold, and whether the root is signed."""

    succession: Succession
    found: tuple[str, ...]
    root_version: int
    root_signed: bool


async def give_up_log(node: Node, without: tuple[str, ...]) -> GivenUp:
    """Plan the successor of the log of a marked node, which is opened when it starts.

    Makes the new log's key and the next version of the root document; where the root key is not at
    hand, that version is kept as a draft to be signed elsewhere. Raises NotCompared where a partner
    that is not in `without` cannot be asked.
    """
    comparison = await compare(node, without, refresh=True)
    if comparison.not_compared:
        raise NotCompared(
            "It is not known what some partners hold of this node: "
            f"{'; '.join(comparison.not_compared)}.",
            fix="Try again when they can be reached, or go on without one of them: --without "
            f"{comparison.not_compared[0].partition(':')[0]}",
        )
    if not comparison.own.note:  # a log that was never begun has no last checkpoint
        await _begin(node)
        comparison = await compare(node, without)
    own, at = comparison.own, node.clock()
    _take_newest_root(node, comparison)
    key = node.identity.files.create("log")
    signed = _next_root(node.identity, key.public, at)
    held_by, held = _largest(comparison)
    succession = Succession(
        origin=successor_origin(node.settings.organisation, at),
        kid=key.kid,
        before=own.origin,
        before_kid=own.kid,
        last=own.note,
        held=held.note if held else None,
        held_by=held_by,
    )
    mark = read_mark(node.data.mark_file) or Mark(reason="found-behind", at=at)
    write_mark(
        node.data.mark_file,
        mark.model_copy(update={"without": without, "succession": succession, "settled": False}),
    )
    return GivenUp(succession, tuple(comparison.behind), node.identity.root.version, signed)


async def _begin(node: Node) -> None:
    log = AuditLog.open(
        node.data.log_file, node.identity.signer("log"), node.log_origin, node.clock
    )
    await log.close()


def _take_newest_root(node: Node, comparison: Comparison) -> None:
    """Go on from the newest own root document that anybody holds.

    Step by step, the lowest version first: each must follow from those before, so that one that
    only a revoked root key signed is left out where anybody shows the revocation. Raises NotSettled
    where two partners hold different documents of one version.
    """
    newer = _newer_roots(node.identity.root.version, comparison)
    history = node.identity.history()
    before = history[-1]
    for version, raw in sorted(newer.items()):
        try:
            history.append(accept_own(raw, history))
        except DocumentRefused:
            continue
        durable_file.replace(node.data.root_file(version), raw)
    if history[-1] is not before:
        node.identity = Identity.open(node.data, node.settings, node.passphrase, node.clock)


def _newer_roots(version: int, comparison: Comparison) -> dict[int, bytes]:
    """The own root documents after `version` that partners hold, by their versions."""
    found: dict[int, tuple[str, str, bytes]] = {}
    for partner in comparison.partners:
        judged = partner.judged
        if judged is None or judged.root is None or judged.root_raw is None:
            continue
        root = judged.root
        if root.version <= version:
            continue
        digest, other, _ = found.setdefault(
            root.version, (root.digest, partner.organisation, judged.root_raw)
        )
        if digest != root.digest:
            raise NotSettled(
                f"{other} and {partner.organisation} hold two different documents as version "
                f"{root.version} of the own root document: a root key was used by somebody else.",
                fix="Ask both which keys theirs names, and go on without the one that is not "
                f"yours: --without {other}, or --without {partner.organisation}",
            )
    return {number: raw for number, (_, _, raw) in found.items()}


def _next_root(identity: Identity, log_key: bytes, at: int) -> bool:
    """Make the version that names the new log's key; whether it could be signed here."""
    document = with_key(identity.next_version(), immediate(log_key, "log", at, identity.root), 0)
    for purpose in ("card", "sign"):
        document = _with_usable(identity, document, purpose, at)
    try:
        identity.adopt(identity.sign_next(document))
    except RootKeyAway:
        identity.keep_draft(document)
        return False
    return True


def _with_usable(
    identity: Identity, document: RootDocument, purpose: KeyPurpose, at: int
) -> RootDocument:
    """Name a new key where none of the purpose is here: the backup may be older than it."""
    usable = document.ring.all_usable(purpose, at)
    if any(identity.files.at_hand(purpose, record.kid) for record in usable):
        return document
    made = identity.files.create(purpose)
    return with_key(document, immediate(made.public, purpose, at, identity.root), 0)


def _largest(comparison: Comparison) -> tuple[str | None, Judged | None]:
    """The partner with the largest checkpoint of the log that is given up, and its claim."""
    best: tuple[str | None, Judged | None] = (None, None)
    size = -1
    for partner in comparison.partners:
        checkpoint = partner.judged.checkpoint if partner.judged else None
        if checkpoint and checkpoint.origin == comparison.own.origin and checkpoint.size > size:
            best, size = (partner.organisation, partner.judged), checkpoint.size
    return best
