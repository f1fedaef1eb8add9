"""Changes of the own root document: one after another, signed here or waiting as a draft.

The rule of this file: a change makes a new version and nothing else; which key signs follows from
the document. The file is written before the `key` leaves: withdrawing a key must hold even when the
log cannot be written. The leaf of the version itself is the last one: where it is missing at start,
a crash cut some off, and those that are not there are appended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import structlog

from keys.keyfile import KeyFileError
from node.audit.entry import Entry
from node.audit.errors import AuditError, LogHeld
from node.identity_errors import RootKeyAway
from node.key_leaves import differences, logged
from node.key_plans import ROTATING, Rotating, Spans, due, postponed
from node.log_succession import KEPT_TERMS, LogSuccession
from node.operations.errors import Conflict, NotFound, OperationError, translate
from node.root_edit import Edit, RootEdits
from node.turns import Turns
from protocol.event_leaves import KeyChanged
from protocol.limits import MAX_LOG_TERMS
from protocol.root import RootDocument, read_root
from protocol.root_changes import named

if TYPE_CHECKING:
    from pathlib import Path

    from node.audit.log import AuditLog
    from node.clock import Clock
    from node.clock_watch import ClockWatch
    from node.config import Keys
    from node.identity import Identity

log = structlog.get_logger("keys")


@dataclass(frozen=True)
class Change:
    """What became of a change: the version it stands in, and whether that is in force.

    Attributes:
        document: the new version; a draft where `published` is False.
        published: whether it is signed and in force.
        created: ids of the keys that were made for it.
    """

    document: RootDocument
    published: bool
    created: tuple[str, ...] = ()


class RootKeeper:
    """Makes and publishes versions of the own root document.

    Args:
        identity: keys and documents.
        settings: time spans.
        log: gets the `key` leaves; called when first needed.
        log_file: where it lies.
        clock: epoch seconds UTC.
        watch: says whether the clock is doubted.
        changed: called after a new version came into force, to renew the card and tell partners.
    """

    def __init__(
        self,
        identity: Identity,
        settings: Keys,
        log: Callable[[], AuditLog],
        log_file: Path,
        clock: Clock,
        watch: ClockWatch,
        changed: Callable[[], None],
    ) -> None:
        self._identity, self._settings = identity, settings
        self._log, self._log_file = log, log_file
        self._clock, self._watch, self._changed = clock, watch, changed
        self._succession = LogSuccession(identity, log, log_file)
        self._edits = RootEdits(identity, settings, clock, self._succession)
        self._turns = Turns()

    def is_due(self) -> bool:
        """Whether document or keys are to be renewed now, and the root key is at hand."""
        identity = self._identity
        return identity.has_root_key and (
            bool(tuple(due(identity.root, self._clock()))) or identity.renewal_due()
        )

    async def keep_current(self) -> None:
        """Renew the document and replace keys where that is due and the root key is at hand.

        Before that, let a log key take over whose turn has come: that needs no root key. A failure
        is logged and tried again: the node serves on with the document that is in force. Nothing is
        dated by a clock that is doubted.
        """
        doubt = self._watch.doubt()
        if doubt is None:
            await self._turns.take(self._keep_log)
        if not self.is_due():
            return
        purposes = tuple(due(self._identity.root, self._clock()))
        if doubt is not None:
            log.error("root document not renewed", cause=doubt.sentence, ahead_s=doubt.ahead_s)
            return
        try:
            await self._change(lambda edit: self._edits.add_keys(edit, purposes, at_once=False))
        except Exception as error:
            log.error("root document not renewed", cause=translate(error).cause)

    async def rotate(self, purpose: Rotating, *, at_once: bool = False) -> Change:
        """Name a successor of a key but the root key, to be used after the lead (or at once).

        Raises Conflict for a log key where few bounds of such keys can still be published.
        """
        if purpose == "log" and self.log_keys_left() <= KEPT_TERMS:
            raise Conflict(
                f"A root document states the bounds of {MAX_LOG_TERMS} log keys, and those that "
                "are left are kept for keys that are lost, stolen or about to end.",
                fix="Revoke the key if it is not to be trusted: interlingua key revoke KID "
                "--reason WHY. Else leave it until it ends; it is then replaced by itself.",
                code="log-keys-used-up",
            )
        return await self._change(
            lambda edit: self._edits.add_keys(edit, (purpose,), at_once=at_once)
        )

    def log_keys_left(self) -> int:
        """Return how many log keys may follow whose bounds the root document can state."""
        return self._succession.terms_left()

    async def rotate_root(self, public: bytes | None) -> Change:
        """Replace the root key by one made here, or by one made elsewhere (32-byte public key)."""
        return await self._change(lambda edit: self._edits.replace_root(edit, public))

    async def revoke(self, kid: str, reason: str) -> Change:
        """Withdraw a key from every partner's trust, and put a successor into use at once.

        Raises NotFound for a key that no version names, Conflict for the root key in force.
        """
        self._check_revocable(kid)
        return await self._change(lambda edit: self._edits.revoke(edit, kid, reason))

    async def export(self) -> RootDocument:
        """The next version to be signed elsewhere: the draft, or a plain renewal, kept as draft."""
        return await self._turns.take(self._export)

    async def publish(self, raw: bytes) -> Change:
        """Put a version that was signed elsewhere into force; raises RootRefused."""
        return await self._turns.take(
            lambda: self._bounded(self._adopt(raw, Edit(self._identity.root)))
        )

    async def log_missing(self) -> None:
        """Make good what a crash cut off the version in force; call it at start.

        Appends its leaves that are missing, and deletes the files of keys that it names no more.
        What a former release left out is made good too (`Identity.prove_held`).
        """
        await asyncio.to_thread(self._identity.prove_held)
        root = before = self._identity.root
        if root.version == 1:
            return
        raw = self._identity.root_version(root.version - 1)
        if raw is not None:  # it may be lost with the directory that was restored
            before = read_root(raw)[0]
        known = named(self._identity.history())
        leaves = list(differences(before, root, known, self._clock()))
        found = await asyncio.to_thread(logged, self._log_file, root.digest)
        if (leaves[-1].key, leaves[-1].event) not in found:
            for leaf in leaves:
                if (leaf.key, leaf.event) not in found:
                    await self._append(leaf)
        self._remove_files(before, root)

    async def _change(self, edit: Callable[[Edit], None]) -> Change:
        return await self._turns.take(lambda: self._bounded(self._make(edit)))

    async def _make(self, change: Callable[[Edit], None]) -> Change:
        edit, raw = await asyncio.to_thread(self._prepare, change)  # sealed keys take a while
        await self._append_created(edit)
        if raw is None:
            return Change(edit.document, published=False, created=edit.kids)
        return await self._adopt(raw, edit)

    async def _bounded(self, changing: Coroutine[Any, Any, Change]) -> Change:
        """Make a change; where a log key took over with it, state how far the one before signed."""
        made = await changing
        stated = await self._state_bounds() if made.published else None
        if stated is None or not stated.published:
            return made
        return replace(stated, created=made.created)

    async def _keep_log(self) -> None:
        try:
            await self._succession.follow()
            await self._state_bounds()
        except Exception as error:
            log.error("log key not followed", cause=translate(error).cause)

    async def _state_bounds(self) -> Change | None:
        """Publish how far each log key has signed, or keep it as a draft where none has it yet."""
        if self._succession.is_bounded(self._identity.root):
            return None
        waiting = None if self._identity.has_root_key else self._identity.draft()
        if waiting is not None and self._succession.is_bounded(waiting):
            return None
        return await self._make(_unchanged)

    def _prepare(self, change: Callable[[Edit], None]) -> tuple[Edit, bytes | None]:
        """Make the next version, and sign it, or keep it as a draft where the root key is away."""
        edit = Edit(self._identity.next_version())
        change(edit)
        edit.document = self._succession.with_bounds(edit.document)
        try:
            return edit, self._identity.sign_next(edit.document)
        except RootKeyAway:
            self._identity.keep_draft(edit.document)
            return edit, None

    async def _adopt(self, raw: bytes, edit: Edit) -> Change:
        before = self._identity.root
        after = self._identity.adopt(raw)
        if after is not before:
            await self._follow()
            await self._append_created(edit)  # where the log takes leaves only now
            known = named(self._identity.history())
            for leaf in differences(before, after, known, self._clock()):
                await self._append(leaf)
            self._remove_files(before, after)
            log.info("root document published", version=after.version, expires=after.expires)
            waiting = self._identity.draft()
            if waiting is not None:
                log.warning("changes wait that the published version lacks", draft=waiting.version)
            self._changed()
        return Change(after, published=True, created=edit.kids)

    async def _follow(self) -> None:
        """Let a log key take over at once: before the leaves, which a revoked one must not sign."""
        try:
            await self._succession.follow()
        except LogHeld:
            pass  # a restored node: the key takes over when the log is opened
        except (AuditError, KeyFileError, OperationError) as error:
            log.error("log key not followed", cause=str(error))  # tried again by `keep_current`

    def _remove_files(self, before: RootDocument, after: RootDocument) -> None:
        """Delete keys that were revoked or have ended: nobody takes them any more.

        Root keys are left to people, and the key that signs the log until another takes over.
        """
        for kid in set(before.ring.records) - set(after.ring.records):
            purpose = before.ring.records[kid].purpose
            if purpose not in ROTATING or kid == self._succession.present():
                continue
            try:
                self._identity.files.remove(purpose, kid)
            except (
                Exception
            ) as error:  # whatever keeps the file: the change is in force all the same
                log.error("retired key not deleted", key=kid, cause=type(error).__name__)

    async def _export(self) -> RootDocument:
        identity = self._identity
        spans = Spans(self._settings.offline_lead_s, self._settings.overlap_s)
        document = postponed(identity.next_version(), identity.root, self._clock(), spans)
        document = self._succession.with_bounds(document)
        identity.keep_draft(document)
        return document

    def _check_revocable(self, kid: str) -> None:
        root = self._identity.root
        if any(key.kid == kid for key in root.roots):
            raise Conflict(
                "This is the root key in force; a document that revokes its own signer is refused.",
                fix="interlingua key rotate root; then revoke the old key",
                code="root-key-in-force",
            )
        if kid not in named(self._identity.history()):
            raise NotFound(
                f"No version of the root document names a key {kid}.",
                fix="interlingua key list",
                code="unknown-key",
            )

    async def _append_created(self, edit: Edit) -> None:
        """Log the keys that were made, and not again those that are logged."""
        for kid, purpose in edit.created:
            if kid not in edit.logged:
                at = self._clock()
                leaf = KeyChanged(at=at, key=kid, use=purpose, event="created", document=None)
                if await self._append(leaf):
                    edit.logged.add(kid)

    async def _append(self, leaf: KeyChanged) -> bool:
        """Append a leaf; whether it could be."""
        try:
            await self._log().append(Entry(leaf))
            return True
        except LogHeld:
            pass  # a restored node: `log_missing` appends it at the start that settles it
        except (AuditError, KeyFileError, OperationError) as error:
            # the change holds all the same: it may withdraw a key
            log.error("change of a key not logged", key=leaf.key, cause=str(error))
        return False


def _unchanged(edit: Edit) -> None:
    """A version that says nothing new but what every version says of the log's keys."""
    del edit
