"""Changes of the own root document: one after another, signed here or waiting as a draft.

The rule of this file: a change makes a new version and nothing else; which key signs follows from
the document. The file is written before the `key` leaves: withdrawing a key must hold even when the
log cannot be written. The leaf of the version itself is the last one: where it is missing at start,
a crash cut some off, and those that are not there are appended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from keys.ring import KeyPurpose, KeyRecord
from node.audit.entry import Entry
from node.audit.errors import LogUnavailable
from node.audit.show import Wanted, show
from node.identity import RootKeyAway
from node.key_plans import ROTATING, Rotating, Spans, due, immediate, planned, postponed
from node.operations.errors import Conflict, NotFound, translate
from node.turns import Turns
from protocol.document import read_document
from protocol.event_leaves import KeyChanged
from protocol.root import ROOT_TYPE, RootDocument, RootRefused
from protocol.root_changes import named, with_key, with_root, without_key

if TYPE_CHECKING:
    from pathlib import Path

    from node.audit.log import AuditLog
    from node.clock import Clock
    from node.clock_watch import ClockWatch
    from node.config import Keys
    from node.identity import Identity

RECENT = 1024
"""Newest `key` leaves among which those of the version in force are looked for at start: more than
one version can have."""

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


@dataclass
class _Edit:
    """A next version under work, and the keys that were made for it."""

    document: RootDocument
    created: list[tuple[str, KeyPurpose]] = field(default_factory=list)


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
        self._identity = identity
        self._settings = settings
        self._log = log
        self._log_file = log_file
        self._clock = clock
        self._watch = watch
        self._changed = changed
        self._turns = Turns()

    def is_due(self) -> bool:
        """Whether document or keys are to be renewed now, and the root key is at hand."""
        identity = self._identity
        return identity.has_root_key and (
            bool(tuple(due(identity.root, self._clock()))) or identity.renewal_due()
        )

    async def keep_current(self) -> None:
        """Renew the document and replace keys where that is due and the root key is at hand.

        A failure is logged and tried again: the node serves on with the document that is in force.
        Nothing is dated by a clock that is doubted.
        """
        doubt = self._watch.doubt()
        if not self.is_due():
            return
        purposes = tuple(due(self._identity.root, self._clock()))
        if doubt is not None:
            log.error("root document not renewed", cause=doubt.sentence, ahead_s=doubt.ahead_s)
            return
        try:
            await self._change(lambda edit: self._add_keys(edit, purposes, at_once=False))
        except Exception as error:
            log.error("root document not renewed", cause=translate(error).cause)

    async def rotate(self, purpose: Rotating, *, at_once: bool = False) -> Change:
        """Name a successor of a card, sign or log key, to be used after the lead (or at once)."""
        return await self._change(lambda edit: self._add_keys(edit, (purpose,), at_once=at_once))

    async def rotate_root(self, public: bytes | None) -> Change:
        """Replace the root key by one made here, or by one made elsewhere (32-byte public key)."""
        return await self._change(lambda edit: self._replace_root(edit, public))

    async def revoke(self, kid: str, reason: str) -> Change:
        """Withdraw a key from every partner's trust, and put a successor into use at once.

        Raises NotFound for a key that no version names, Conflict for the root key in force.
        """
        self._check_revocable(kid)
        return await self._change(lambda edit: self._revoke(edit, kid, reason))

    async def export(self) -> RootDocument:
        """The next version to be signed elsewhere: the draft, or a plain renewal, kept as draft."""
        return await self._turns.take(self._export)

    async def publish(self, raw: bytes) -> Change:
        """Put a version that was signed elsewhere into force; raises RootRefused."""
        return await self._turns.take(lambda: self._adopt(raw, ()))

    async def log_missing(self) -> None:
        """Make good what a crash cut off the version in force; call it at start.

        Appends its leaves that are missing, and deletes the files of keys that it names no more.
        """
        root = before = self._identity.root
        if root.version == 1:
            return
        raw = self._identity.root_version(root.version - 1)
        if raw is not None:  # it may be lost with the directory that was restored
            before = read_document(raw, ROOT_TYPE, RootDocument, RootRefused)[0]
        leaves = list(_differences(before, root, self._clock()))
        logged = await asyncio.to_thread(self._logged, root.digest)
        if (leaves[-1].key, leaves[-1].event) not in logged:
            for leaf in leaves:
                if (leaf.key, leaf.event) not in logged:
                    await self._append(leaf)
        self._remove_files(before, root)

    async def _change(self, edit: Callable[[_Edit], None]) -> Change:
        return await self._turns.take(lambda: self._make(edit))

    async def _make(self, change: Callable[[_Edit], None]) -> Change:
        edit, raw = await asyncio.to_thread(self._prepare, change)  # sealed keys take a while
        created = tuple(kid for kid, _ in edit.created)
        for kid, purpose in edit.created:
            await self._append(
                KeyChanged(at=self._clock(), key=kid, use=purpose, event="created", document=None)
            )
        if raw is None:
            return Change(edit.document, published=False, created=created)
        return await self._adopt(raw, created)

    def _prepare(self, change: Callable[[_Edit], None]) -> tuple[_Edit, bytes | None]:
        """Make the next version, and sign it, or keep it as a draft where the root key is away."""
        edit = _Edit(self._identity.next_version())
        change(edit)
        try:
            return edit, self._identity.sign_next(edit.document)
        except RootKeyAway:
            self._identity.keep_draft(edit.document)
            return edit, None

    async def _adopt(self, raw: bytes, created: tuple[str, ...]) -> Change:
        before = self._identity.root
        after = self._identity.adopt(raw)
        if after is not before:
            for leaf in _differences(before, after, self._clock()):
                await self._append(leaf)
            self._remove_files(before, after)
            log.info("root document published", version=after.version, expires=after.expires)
            waiting = self._identity.draft()
            if waiting is not None:
                log.warning("changes wait that the published version lacks", draft=waiting.version)
            self._changed()
        return Change(after, published=True, created=created)

    def _remove_files(self, before: RootDocument, after: RootDocument) -> None:
        """Delete card and sign keys that were revoked or have ended: nobody takes them any more."""
        for kid in set(before.ring.records) - set(after.ring.records):
            purpose = before.ring.records[kid].purpose
            if purpose not in ROTATING:
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
        identity.keep_draft(document)
        return document

    def _add_keys(self, edit: _Edit, purposes: tuple[Rotating, ...], *, at_once: bool) -> None:
        at, settings = self._clock(), self._settings
        lead = settings.lead_s if self._identity.has_root_key else settings.offline_lead_s
        for purpose in purposes:
            signer = self._identity.files.create(purpose)
            if at_once:
                record = immediate(signer.public, purpose, at, edit.document)
            else:
                record = planned(signer.public, purpose, at, lead)
            edit.document = with_key(edit.document, record, settings.overlap_s)
            edit.created.append((signer.kid, purpose))

    def _replace_root(self, edit: _Edit, public: bytes | None) -> None:
        if public is None:
            signer = self._identity.files.create("root")
            edit.created.append((signer.kid, "root"))
            public = signer.public
        record = immediate(public, "root", self._clock(), edit.document)
        edit.document = with_root(edit.document, record)

    def _revoke(self, edit: _Edit, kid: str, reason: str) -> None:
        record = edit.document.ring.records.get(kid)
        at = self._clock()
        edit.document = without_key(edit.document, kid, at, reason)
        for purpose in ROTATING:
            if record is not None and record.purpose == purpose and not _usable(edit, purpose, at):
                self._add_keys(edit, (purpose,), at_once=True)

    def _check_revocable(self, kid: str) -> None:
        root = self._identity.root
        if any(key.kid == kid for key in root.roots):
            raise Conflict(
                "This is the root key in force; a document that revokes its own signer is refused.",
                fix="interlingua key rotate root; then revoke the old key",
                code="root-key-in-force",
            )
        if any(key.kid == kid and key.purpose == "log" for key in root.keys):
            raise Conflict(
                "This is the key of the log; a log has one key for its life.",
                fix="interlingua backup FILE, then interlingua restore FILE --after-loss: the "
                "successor log has another key (docs/operations.md)",
                code="log-key-in-force",
            )
        if kid not in named(self._identity.history()):
            raise NotFound(
                f"No version of the root document names a key {kid}.",
                fix="interlingua key list",
                code="unknown-key",
            )

    def _logged(self, digest: str) -> set[tuple[object, object]]:
        """Key and event of each leaf about that version."""
        _, leaves = show(self._log_file, Wanted(type="key", limit=RECENT))
        found = (leaf.fields for leaf in leaves if leaf.fields.get("document") == digest)
        return {(fields.get("key"), fields.get("event")) for fields in found}

    async def _append(self, leaf: KeyChanged) -> None:
        try:
            await self._log().append(Entry(leaf))
        except LogUnavailable as error:
            # the change holds all the same: it may withdraw a key
            log.error("change of a key not logged", key=leaf.key, cause=str(error))


def _usable(edit: _Edit, purpose: Rotating, at: int) -> bool:
    return bool(edit.document.ring.all_usable(purpose, at))


def _differences(before: RootDocument, after: RootDocument, at: int) -> Iterator[KeyChanged]:
    """The leaves of a new version: its keys that are new, revoked or retired; then its own.

    The last one names the root key that speaks for the version.
    """
    old, new = before.ring, after.ring
    for kid, record in new.records.items():
        if kid not in old.records and record.purpose != "root":
            yield _leaf(record, "published", after, at)
    for kid, record in old.records.items():
        if kid in new.revocations:
            yield _leaf(record, "revoked", after, at)
        elif kid not in new.records:
            yield _leaf(record, "retired", after, at)
    yield _leaf(after.roots[0].record, "published", after, at)


def _leaf(record: KeyRecord, event: str, root: RootDocument, at: int) -> KeyChanged:
    return KeyChanged(at=at, key=record.kid, use=record.purpose, event=event, document=root.digest)
