"""TLS files that are replaced while the node serves: new connections get the new ones.

The rule of this file: whole contexts are swapped, never changed. New files are loaded into a
context of their own; only one that loads takes the place of the one in use, so that a certificate
whose key is not there yet changes nothing. Connections that are open keep what they began with.
"""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from cryptography import x509

from node.listeners.tls import server_context
from node.operations.errors import OperationError

if TYPE_CHECKING:
    from node.config import FederationListener

LOOK_S = 30.0
"""Seconds between two looks at the files."""

_Stamp = tuple[tuple[int, int, int] | None, ...]

log = structlog.get_logger("tls")


class LiveTls:
    """The TLS of one listener.

    Args:
        settings: names the files.

    Attributes:
        context: what the listener is started with; it gives way to newer files by itself.
            None means plaintext, for good.

    Raises:
        InvalidRequest: as `server_context`.
    """

    def __init__(self, settings: FederationListener) -> None:
        self._settings = settings
        named = (settings.tls_certificate, settings.tls_key, settings.client_ca)
        self._files = tuple(path for path in named if path is not None)
        self._stamp = self._stamps()
        self.context = self._current = server_context(settings)
        if self.context is not None:
            self.context.sni_callback = self._choose  # is called without a name, too
        self.expires = self._expiry()

    async def look(self) -> None:
        """Take new files where there are some; what does not load is logged once and left."""
        if self.context is None:
            return
        stamp = await asyncio.to_thread(self._stamps)
        if stamp == self._stamp:
            return
        self._stamp = stamp  # before loading: what changes from now on is seen the next time
        try:
            fresh = await asyncio.to_thread(server_context, self._settings)
        except OperationError as error:
            log.warning("new TLS files not taken", cause=error.cause)
            return
        self._current = fresh
        self.expires = self._expiry()
        log.info("new TLS files taken", expires=self.expires)

    def _choose(
        self, connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, began: ssl.SSLContext
    ) -> None:
        del name, began
        if self._current is not None:
            connection.context = self._current

    def _stamps(self) -> _Stamp:
        return tuple(_stamp(path) for path in self._files)

    def _expiry(self) -> int | None:
        path = self._settings.tls_certificate
        return None if path is None else certificate_expiry(path)


def certificate_expiry(path: Path) -> int | None:
    """When the first certificate of a PEM file ends (epoch seconds UTC); None if unreadable."""
    try:
        certificate = x509.load_pem_x509_certificates(path.read_bytes())[0]
    except (OSError, ValueError):
        return None
    return int(certificate.not_valid_after_utc.timestamp())


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file, or the target of a link, is replaced or written."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_size)
