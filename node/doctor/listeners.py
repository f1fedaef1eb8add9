"""Checks of the listeners' settings: can partners reach this node, and nobody else the rest."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from node.doctor.finding import Finding, problem, warning
from node.listeners.live_tls import certificate_expiry
from node.listeners.tls import is_loopback, require_loopback, server_context
from node.operations.errors import OperationError

if TYPE_CHECKING:
    from node.config import Settings

SOON_S = 21 * 86_400


def check_listeners(settings: Settings, now: int) -> Iterator[Finding]:
    """Everything that `serve` would refuse, and what it cannot know."""
    checks: tuple[Callable[[], object], ...] = (
        partial(server_context, settings.federation),
        partial(require_loopback, "local_api", settings.local_api),
        partial(require_loopback, "admin", settings.admin),
    )
    for check in checks:
        try:
            check()
        except OperationError as error:
            yield problem(error.code, error.cause, error.fix)
    yield from _reach(settings)
    yield from _certificates(settings, now)
    yield from _exposed_keys(settings)


def _reach(settings: Settings) -> Iterator[Finding]:
    if settings.url is None:
        return
    url, federation = urlsplit(settings.url), settings.federation
    outside = not is_loopback(url.hostname or "")
    if outside and is_loopback(federation.host):
        yield warning(
            "not-reachable",
            f"Partners are told {settings.url}, but the federation listener is on loopback.",
            "Right behind a proxy on this machine; else set federation.host to 0.0.0.0 or an "
            "address of this machine.",
        )
    if outside and url.scheme == "http":
        yield warning(
            "plaintext-url",
            f"Partners are told {settings.url}, which is not TLS.",
            "Use an https url; each partner would have to permit plaintext for this node.",
        )
    tls = federation.tls_certificate is not None
    if tls and url.scheme == "http":
        yield problem(
            "scheme-differs",
            f"Partners are told {settings.url}, but the federation listener speaks TLS.",
            "Begin the url with https.",
        )


def _certificates(settings: Settings, now: int) -> Iterator[Finding]:
    federation, partners = settings.federation, settings.partners
    for what, path, then in (
        ("TLS certificate", federation.tls_certificate, "a running node takes it by itself"),
        ("certificate shown to partners", partners.client_certificate, "start the node again"),
    ):
        until = None if path is None else certificate_expiry(path)
        if until is not None and until - now < SOON_S:
            how = problem if until <= now else warning
            yield how(
                "certificate-expiry",
                f"The {what} is valid until {datetime.fromtimestamp(until, UTC):%Y-%m-%d}.",
                f"Renew {path}; {then}.",
            )


def _exposed_keys(settings: Settings) -> Iterator[Finding]:
    for path in (settings.federation.tls_key, settings.partners.client_key):
        if path is not None and path.exists() and path.stat().st_mode & stat.S_IRWXO:
            yield problem(
                "tls-key-exposed",
                f"The private key {path} can be read by everybody on this machine.",
                f"chmod o= {path}, and renew certificate and key if others were on this machine.",
            )
