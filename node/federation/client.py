"""The only place where bytes leave for a partner: one exchange, bounded in time, size and place.

Rules: a peer keeps the reach with which a person added it (a card cannot move it from the public
network to a loopback or private address, and the address is checked where the socket is opened);
plaintext goes to loopback only, unless a person allowed it for this peer; no redirects, no cookies,
no content encodings; the answer is read up to a cap; one deadline covers everything. A proxy is
used where the environment names one (node/federation/proxy.py). Partners that answer plainly are
asked past aiohttp (node/federation/short_way.py), under the same rules.

Whatever goes wrong here is a TransportError (node/federation/transport_errors.py).
"""

import asyncio
import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import aiohttp
from yarl import URL

from node.addresses import AddressPolicy, Reach, connector, refusal
from node.federation.no_connection import why
from node.federation.proxy import Proxy, check_named
from node.federation.short_way import ShortWay
from node.federation.transport import Transport
from node.federation.transport_errors import (
    AddressNotAllowed,
    AnswerTooLarge,
    ClientKeySealed,
    ConnectionBroke,
    DeadlinePassed,
    ProxyFailed,
    TlsFailed,
    TransportError,
    TransportKind,
    Unreachable,
)
from protocol.accept_answer import RawAnswer

__all__ = [
    "AddressNotAllowed",
    "AnswerTooLarge",
    "Client",
    "ClientIdentity",
    "ClientKeySealed",
    "ConnectionBroke",
    "DeadlinePassed",
    "ProxyFailed",
    "TlsFailed",
    "TransportError",
    "TransportKind",
    "Unreachable",
    "reach_of_url",
]

CHUNK_BYTES = 1 << 16
CONNECTIONS_PER_PEER = 32


@dataclass(frozen=True)
class ClientIdentity:
    """The certificate and key (PEM files) that this node shows where a partner asks for one."""

    certificate: Path
    key: Path


def reach_of_url(url: str) -> Literal["loopback", "public"]:
    """Say which reach a URL's host claims: a literal loopback address or `localhost`, or public.

    A name that merely resolves to loopback is public here, and so refused at the connection.
    """
    host = URL(url).host or ""
    if host == "localhost":
        return "loopback"
    try:
        return "loopback" if ipaddress.ip_address(host).is_loopback else "public"
    except ValueError:
        return "public"


class Client:
    """Keeps one session per transport; create it on the event loop and close it there.

    Args:
        identity: shown to partners that ask for a certificate.
        ca_file: PEM file of authorities where a transport names none; default: the system's.
        proxy: the way out for partners on https.
    """

    def __init__(
        self,
        identity: ClientIdentity | None = None,
        ca_file: Path | None = None,
        proxy: Proxy | None = None,
    ) -> None:
        self._identity = identity
        self._ca_file = ca_file
        self._proxy = proxy
        # with and without the proxy: their connections meet different address policies; with and
        # without TLS: reading the system's authorities takes 50 ms, which plaintext does not need
        self._sessions: dict[tuple[Transport, Proxy | None, bool], aiohttp.ClientSession] = {}
        self._short = ShortWay(self._unlimited, CONNECTIONS_PER_PEER)

    async def close(self) -> None:
        """Close every connection."""
        await self._short.close()
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    async def exchange(
        self,
        url: str,
        transport: Transport,
        method: str,
        headers: Sequence[tuple[str, str]],
        body: bytes | None,
        *,
        deadline_s: float,
        max_bytes: int,
    ) -> RawAnswer:
        """Send one request and read the whole answer; raises TransportError and nothing else.

        `url` is absolute; `deadline_s` covers name resolution through the last byte.
        """
        target = URL(url, encoded=True)
        _check_plaintext(target, transport)
        try:
            async with asyncio.timeout(deadline_s):
                return await self._exchange(target, transport, method, headers, body, max_bytes)
        except TimeoutError:
            raise DeadlinePassed(f"{target.host} gave no answer in {deadline_s:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            refused = refusal(error)
            if refused is not None:
                raise AddressNotAllowed(refused) from None
            if isinstance(error, aiohttp.ClientHttpProxyError | aiohttp.ClientProxyConnectionError):
                raise ProxyFailed(f"{target.host} could not be reached: {why(error)}") from None
            if isinstance(error, aiohttp.ClientSSLError):
                raise TlsFailed(f"{target.host} could not be reached: {why(error)}") from None
            if isinstance(error, _BROKE) and not isinstance(error, aiohttp.ClientConnectorError):
                raise ConnectionBroke(f"{target.host} went away: {why(error)}") from None
            raise Unreachable(f"{target.host} could not be reached: {why(error)}") from None

    async def _exchange(
        self,
        target: URL,
        transport: Transport,
        method: str,
        headers: Sequence[tuple[str, str]],
        body: bytes | None,
        max_bytes: int,
    ) -> RawAnswer:
        proxy = self._way(target, transport)
        if proxy is None:
            request = self._short.request(target, transport, method, headers, body)
            if request is not None:
                return await self._short.exchange(target.origin(), transport, request, max_bytes)
        session = self._session(transport, proxy, secure=target.scheme == "https")
        async with session.request(
            method,
            target,
            headers=list(headers),
            data=body,
            allow_redirects=False,
            proxy=proxy.url if proxy else None,
            proxy_headers=dict(proxy.headers) if proxy else None,
        ) as response:
            content = bytearray()
            async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                content += chunk
                if len(content) > max_bytes:
                    response.close()
                    raise AnswerTooLarge(f"{target.host} sent more than {max_bytes} bytes")
            answer = RawAnswer(response.status, tuple(response.raw_headers), bytes(content))
        if proxy is None:
            self._short.learn(target.origin(), transport, response.version, answer)
        return answer

    def _way(self, target: URL, transport: Transport) -> Proxy | None:
        """The proxy, where this partner is reached through it; raises AddressRefused."""
        if self._proxy is None or transport.reach == "loopback" or not self._proxy.takes(target):
            return None
        check_named(target, AddressPolicy(_allowed(transport), _FIX))
        return self._proxy

    def _session(
        self, transport: Transport, proxy: Proxy | None, *, secure: bool
    ) -> aiohttp.ClientSession:
        session = self._sessions.get((transport, proxy, secure))
        if session is None:
            policy = PROXY_POLICY if proxy else AddressPolicy(_allowed(transport), _FIX)
            session = aiohttp.ClientSession(
                connector=self._connector(policy, transport, secure, CONNECTIONS_PER_PEER),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),  # the caller's deadline covers all
                auto_decompress=False,
                skip_auto_headers=("User-Agent", "Accept-Encoding", "Accept", "Content-Type"),
            )
            self._sessions[transport, proxy, secure] = session
        return session

    def _unlimited(self, transport: Transport, secure: bool) -> aiohttp.TCPConnector:
        return self._connector(AddressPolicy(_allowed(transport), _FIX), transport, secure, 0)

    def _connector(
        self, policy: AddressPolicy, transport: Transport, secure: bool, limit: int
    ) -> aiohttp.TCPConnector:
        return connector(policy, ssl=self._tls(transport) if secure else True, limit=limit)

    def _tls(self, transport: Transport) -> ssl.SSLContext:
        authorities = transport.ca_file or self._ca_file
        context = ssl.create_default_context(cafile=str(authorities) if authorities else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self._identity is not None:
            context.load_cert_chain(self._identity.certificate, self._identity.key, _no_password)
        return context


_BROKE = (
    aiohttp.ServerDisconnectedError,
    aiohttp.ClientOSError,
    aiohttp.ClientPayloadError,
    ConnectionError,
)
"""What may happen after a question has left: it may or may not have arrived."""

_FIX = (
    "a partner in private ranges or on this machine is paired with by --allow-private; one paired "
    "with under another address than a loopback one is never looked for there"
)


PROXY_POLICY = AddressPolicy(
    frozenset({"loopback", "private", "public"}), "HTTPS_PROXY names it; correct the variable"
)
"""Where a proxy may be: the node's admin named it."""


def _check_plaintext(target: URL, transport: Transport) -> None:
    if target.scheme not in ("https", "http") or not target.host:
        raise AddressNotAllowed(f"{target} is not an https URL with a host")
    if target.scheme == "http" and transport.reach != "loopback" and not transport.allow_plaintext:
        raise AddressNotAllowed(
            f"{target.host} is reached without TLS, which is allowed on loopback only; "
            "ask the partner for an https address, or pair with it anew by --allow-plaintext"
        )


def _no_password() -> str:
    """Without this, OpenSSL would ask on the terminal, and the node would wait."""
    raise ClientKeySealed("the key in partners.client_key is sealed with a password")


def _allowed(transport: Transport) -> frozenset[Reach]:
    if transport.reach == "loopback":
        return frozenset({"loopback"})
    return frozenset({"public", "private"} if transport.allow_private else {"public"})
