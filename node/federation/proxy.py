"""The way out through a proxy: HTTPS_PROXY and NO_PROXY, for partners on https and nobody else.

The rule of this file: the proxy is told a partner's host name and port (CONNECT, RFC 9110 section
9.3.6) and sees nothing else; TLS is spoken with the partner through it. The proxy resolves the
name, so the address that is dialled is its own admin's business; what looks like an address is
judged here all the same. Partners on loopback and partners without TLS never go through it.

The proxy's user name and password are part of no message, log line or representation.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

from yarl import URL

from node.addresses import AddressPolicy
from node.federation.no_proxy import Exempt, exempt
from node.operations.errors import InvalidRequest

VARIABLES = ("https_proxy", "HTTPS_PROXY")
"""Lower case wins where both are set, as with other programs."""

BYPASS_VARIABLES = ("no_proxy", "NO_PROXY")


@dataclass(frozen=True)
class Proxy:
    """An http proxy that takes CONNECT.

    Attributes:
        url: where it is, without credentials.
        bypass: what is reached without it.
        headers: the credentials that it asks for (RFC 7617), or nothing.
    """

    url: URL
    bypass: tuple[Exempt, ...] = ()
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Proxy | None:
        """The proxy that the environment names, or None.

        Raises:
            InvalidRequest: the variable is no URL of an http proxy; its value is not repeated.
        """
        name = next((name for name in VARIABLES if environ.get(name)), None)
        if name is None:
            return None
        bypass = next((environ[n] for n in BYPASS_VARIABLES if environ.get(n)), "")
        url = _parsed(name, environ[name])
        return cls(url.origin(), exempt(bypass), _credentials(url))

    def takes(self, target: URL) -> bool:
        """Whether a partner's URL is reached through this proxy."""
        host = (target.host or "").rstrip(".").lower()
        return target.scheme == "https" and not any(
            entry.covers(host, target.port or 443) for entry in self.bypass
        )


def check_named(target: URL, policy: AddressPolicy) -> None:
    """Judge a host that the proxy will resolve, by what can be known before.

    Addresses meet `policy`. Names that mean this machine, and numbers that a resolver may take for
    an address in an old spelling (127.1, 0x7f000001), are refused.

    Raises:
        AddressRefused: the connection may not be made.
    """
    host = (target.host or "").rstrip(".").lower()
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        if host == "localhost" or host.endswith(".localhost"):
            raise policy.refused(f"{host} is a loopback name") from None
        last = host.rpartition(".")[2]
        if last.isdigit() or last.startswith("0x"):
            raise policy.refused(f"{host} is an address in a spelling of its own") from None
    else:
        policy.check(host)


def _credentials(url: URL) -> tuple[tuple[str, str], ...]:
    if not url.user:
        return ()
    pair = base64.b64encode(f"{url.user}:{url.password or ''}".encode()).decode("ascii")
    return (("Proxy-Authorization", f"Basic {pair}"),)


def _parsed(name: str, value: str) -> URL:
    try:
        url = URL(value if "://" in value else f"http://{value}")
        if url.scheme == "http" and url.host and url.port:
            return url
    except ValueError:
        pass  # its words would repeat the value
    raise InvalidRequest(
        f"The environment variable {name} does not name an http proxy.",
        fix=f"Set {name} to http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, or unset it.",
        code="proxy-invalid",
    )
