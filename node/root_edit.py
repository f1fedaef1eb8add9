"""The changes that can go into one next version of the own root document.

The rule of this file: an edit is made on an unsigned next version and touches nothing else but the
key files that it creates; `node/root_keeper.py` signs and publishes what comes of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from node.key_plans import ROTATING, Rotating, immediate, planned
from protocol.root_changes import with_key, with_root, without_key

if TYPE_CHECKING:
    from keys.ring import KeyPurpose
    from node.clock import Clock
    from node.config import Keys
    from node.identity import Identity
    from node.log_succession import LogSuccession
    from protocol.root import RootDocument


@dataclass
class Edit:
    """A next version under work, the keys that were made for it, and those that are logged."""

    document: RootDocument
    created: list[tuple[str, KeyPurpose]] = field(default_factory=list)
    logged: set[str] = field(default_factory=set)

    @property
    def kids(self) -> tuple[str, ...]:
        """The ids of the keys that were made."""
        return tuple(kid for kid, _ in self.created)


class RootEdits:
    """Edits next versions.

    Args:
        identity: keys and documents.
        settings: time spans.
        clock: epoch seconds UTC.
        succession: which keys have signed the log.
    """

    def __init__(
        self, identity: Identity, settings: Keys, clock: Clock, succession: LogSuccession
    ) -> None:
        self._identity = identity
        self._settings = settings
        self._clock = clock
        self._succession = succession

    def add_keys(self, edit: Edit, purposes: tuple[Rotating, ...], *, at_once: bool) -> None:
        """Name a new key of each purpose, to be used after the lead, or at once."""
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

    def replace_root(self, edit: Edit, public: bytes | None) -> None:
        """Replace the root key by one made here, or by one made elsewhere (32-byte public key)."""
        if public is None:
            signer = self._identity.files.create("root")
            edit.created.append((signer.kid, "root"))
            public = signer.public
        record = immediate(public, "root", self._clock(), edit.document)
        edit.document = with_root(edit.document, record)

    def revoke(self, edit: Edit, kid: str, reason: str) -> None:
        """Revoke a key, and put a successor into use at once where no other key can sign."""
        record = edit.document.ring.records.get(kid)
        edit.document = without_key(edit.document, kid, self._clock(), reason)
        for purpose in ROTATING:
            if record is not None and record.purpose == purpose and not self._usable(edit, purpose):
                self.add_keys(edit, (purpose,), at_once=True)

    def _usable(self, edit: Edit, purpose: Rotating) -> bool:
        records = edit.document.ring.all_usable(purpose, self._clock())
        return bool({record.kid for record in records} - self._succession.retired())
