"""Which network addresses this node may connect to, decided where the connection is made.

A name is judged by the address that is really dialled, never by how it looks: the check sits in the
connector's socket factory, so that DNS rebinding, literal addresses in a URL and addresses that a
partner's card supplies all meet the same rule. IPv4 addresses that hide in IPv6 (mapped, 6to4,
Teredo, NAT64) are judged by the IPv4 address they lead to.

Ranges are those of the IANA special-purpose registries (RFC 6890) as `ipaddress` knows them.
"""

import errno
import ipaddress
import socket
import ssl as tls
from dataclasses import dataclass
from typing import Literal

import aiohttp

Reach = Literal["loopback", "private", "public", "forbidden"]
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_SHARED = ipaddress.ip_network("100.64.0.0/10")  # RFC 6598: private to a carrier, "not global"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052


class AddressRefused(PermissionError):
    """The address policy forbids this connection; `str()` names the address, the reach and the fix.

    aiohttp wraps it: it arrives as `ClientConnectorError.os_error`. Use `refusal` to get it back.
    """


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """The reaches that one kind of connection may have.

    `fix` ends the error message: it says how the operator may allow what was refused.
    """

    allowed: frozenset[Reach]
    fix: str

    def check(self, address: str) -> None:
        """Raise AddressRefused unless `address` (a literal IPv4 or IPv6 address) may be dialled."""
        reach = reach_of(address)
        if reach not in self.allowed:
            raise self.refused(f"{address} is a {reach} address, which is not allowed")

    def refused(self, cause: str) -> AddressRefused:
        """The error that says why, and how the operator may allow it."""
        return AddressRefused(errno.EACCES, f"{cause}: {self.fix}")


def reach_of(address: str) -> Reach:
    """Say how far `address` reaches.

    `forbidden` is what no connection of a node ever needs: unspecified, multicast, reserved and
    link-local addresses (the last hold the metadata services of cloud machines).
    Raises ValueError when `address` is not a literal address.
    """
    ip = _unwrap(ipaddress.ip_address(address.partition("%")[0]))
    if ip.is_loopback:
        return "loopback"
    if ip.is_unspecified or ip.is_multicast or ip.is_link_local:
        return "forbidden"
    # ranges that `is_global` does not know, some of which gateways turn into any IPv4 address
    if isinstance(ip, ipaddress.IPv6Address) and (ip.is_reserved or ip.is_site_local):
        return "forbidden"
    if ip.is_global:
        return "public"
    if ip.version == 4 and ip in _SHARED:
        return "private"
    # what is neither global nor private use is reserved for protocols and documentation
    return "private" if _is_private_use(ip) else "forbidden"


def connector(
    policy: AddressPolicy, *, ssl: tls.SSLContext | bool = True, limit: int = 100
) -> aiohttp.TCPConnector:
    """Make a connector whose every socket is checked against `policy` before it is opened.

    Create the session with `trust_env=False` (aiohttp's default) and pass no proxy: a proxy would
    make the connection in the node's place.
    """

    def checked(info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        policy.check(str(address[0]))
        return socket.socket(family=family, type=kind, proto=protocol)

    return aiohttp.TCPConnector(ssl=ssl, limit=limit, socket_factory=checked)


def refusal(error: BaseException) -> str | None:
    """Return the policy's message when `error` is a connection that it refused, else None."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, OSError) and cause.errno == errno.EACCES:
        return cause.strerror or str(cause)
    return None


_PRIVATE_USE = tuple(
    ipaddress.ip_network(block)
    for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")  # RFC 1918, RFC 4193
)


def _is_private_use(ip: _Address) -> bool:
    return any(ip.version == block.version and ip in block for block in _PRIVATE_USE)


def _unwrap(ip: _Address) -> _Address:
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    teredo = ip.teredo
    return ip.ipv4_mapped or ip.sixtofour or (teredo[1] if teredo else None) or ip
