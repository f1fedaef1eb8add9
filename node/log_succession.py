"""Which key signs the log: the one whose turn it is in the root document, once it has taken over.

The rule of this file: the root document says who may, log.db says who does. A key takes over when
its turn has come, and never comes back; how far each one signed is read from log.db and stated in
the next version of the root document, however much later that is.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from node.audit.entry import TakeOver
from node.audit.errors import AuditError
from node.audit.log_key_rows import terms_of_file
from node.audit.own_log_keys import OwnLogKeys
from protocol.limits import MAX_LOG_TERMS
from protocol.root_changes import named, with_terms

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from keys.signer import Signer
    from node.audit.log import AuditLog
    from node.identity import Identity
    from protocol.log_terms import LogTerm
    from protocol.root import RootDocument

KEPT_TERMS = 32
"""Log keys that are left for keys that have to be replaced: stolen, lost, ending."""

_log = structlog.get_logger("keys")


def own_log_keys(identity: Identity) -> OwnLogKeys:
    """What the own root documents know of the log's keys; a revoked one is never opened."""
    kids = {kid for kid, r in named(identity.history()).items() if r.purpose == "log"}

    def opened(kid: str) -> Signer | None:
        if kid in identity.root.ring.revocations:
            return None
        return identity.files.open("log", kid)

    return OwnLogKeys(frozenset(kids), identity.root.log_terms, opened)


class LogSuccession:
    """Lets log keys take over.

    Args:
        identity: keys and documents.
        log: the log; called when first needed.
        log_file: where it lies.
    """

    def __init__(self, identity: Identity, log: Callable[[], AuditLog], log_file: Path) -> None:
        self._identity = identity
        self._log = log
        self._log_file = log_file

    async def follow(self) -> None:
        """Let the key take over whose turn it is; raises what the log or the key files raise."""
        identity, terms = self._identity, await asyncio.to_thread(self._terms)
        kid = identity.kid("log")
        if not terms or kid in {term.kid for term in terms}:
            return
        log = self._log()  # where the key before is lost or revoked, opening was all it took
        if not log.has_signed(kid):
            revoked = log.kid in identity.root.ring.revocations
            await log.hand_over(TakeOver(identity.signer("log"), alone=revoked))
            _log.info("log key took over", key=log.kid)

    def with_bounds(self, document: RootDocument) -> RootDocument:
        """Return a next version that states how far each key has signed the log."""
        return with_terms(document, self._terms())

    def is_bounded(self, document: RootDocument) -> bool:
        """Whether a version states all that the log says of its keys."""
        return self.with_bounds(document) is document

    def terms_left(self) -> int:
        """Return of how many further log keys the root document can state the bounds."""
        root = self._identity.root
        bounded = {term.kid for term in (*root.log_terms, *self._terms())}
        named_keys = {key.kid for key in root.keys if key.purpose == "log"}
        return MAX_LOG_TERMS - len(bounded | named_keys)

    def retired(self) -> frozenset[str]:
        """Keys that another one has followed: they do not sign, however long they are valid."""
        return frozenset(term.kid for term in self._terms()[:-1])

    def present(self) -> str | None:
        """The id of the key that log.db says signs now."""
        terms = self._terms()
        return terms[-1].kid if terms else None

    def _terms(self) -> tuple[LogTerm, ...]:
        try:
            return terms_of_file(self._log_file)
        except AuditError as error:  # a change that withdraws a key must not fail for it
            _log.error("log keys not read", cause=str(error))
            return ()
