"""TLS of the federation listener; plaintext stays on loopback unless it is permitted."""

from __future__ import annotations

import ipaddress
import ssl
from typing import TYPE_CHECKING

from node.operations.errors import InvalidRequest

if TYPE_CHECKING:
    from node.config import AdminListener, FederationListener, LocalApiListener


def server_context(settings: FederationListener) -> ssl.SSLContext | None:
    """The TLS context that the settings ask for; None means plaintext.

    Raises:
        InvalidRequest: plaintext is not permitted there, or the files cannot be used.
    """
    if settings.tls_certificate is None:
        if not is_loopback(settings.host) and not settings.allow_plaintext:
            raise InvalidRequest(
                f"The federation listener would serve {settings.host} without TLS.",
                fix="Set federation.tls_certificate and federation.tls_key; behind a TLS proxy "
                "set federation.allow_plaintext = true.",
                code="plaintext-refused",
            )
        if settings.client_ca is not None:
            raise InvalidRequest(
                "federation.client_ca is set, but there is no TLS to ask for a certificate in.",
                fix="Set federation.tls_certificate and federation.tls_key too.",
                code="client-ca-without-tls",
            )
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION  # costs the server more than who asks for it
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key, _no_password)
        if settings.client_ca is not None:
            context.load_verify_locations(settings.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
            # a ticket would let a partner in again after its authority was taken out of the file
            context.num_tickets = 0
            context.options |= ssl.OP_NO_TICKET
    except (OSError, ssl.SSLError) as error:
        raise InvalidRequest(
            f"The TLS files of the federation listener cannot be used: {error}.",
            fix="Check federation.tls_certificate, federation.tls_key and federation.client_ca: "
            "PEM files that belong together and that the node may read.",
            code="tls-files",
        ) from None
    return context


def _no_password() -> str:
    """Refuse a sealed key; without this, OpenSSL asks for a password on the terminal and waits."""
    raise InvalidRequest(
        "The TLS key of the federation listener is sealed with a password.",
        fix="Give federation.tls_key a file without one, mode 0600, that only the node can read.",
        code="tls-key-sealed",
    )


def require_loopback(name: str, settings: LocalApiListener | AdminListener) -> None:
    """Keep the local listeners on loopback unless permitted.

    Raises:
        InvalidRequest: the address is another one and `allow_remote` is not set.
    """
    if not is_loopback(settings.host) and not settings.allow_remote:
        raise InvalidRequest(
            f"{name}.host is {settings.host}, which others can reach.",
            fix=f"Use 127.0.0.1, or set {name}.allow_remote = true and protect the way there.",
            code="remote-refused",
        )


def is_loopback(host: str) -> bool:
    """Whether a listening address can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
