"""HTTP connections for blocking work, judged by the address that is really dialled.

The rule of this file: as `node.addresses.connector` for asyncio. No proxy, no redirect, no
environment.
"""

import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

from node.addresses import AddressPolicy


class CheckedConnection(http.client.HTTPConnection):
    """Plain HTTP to one host."""

    def __init__(
        self, host: str, port: int | None, policy: AddressPolicy, timeout_s: float
    ) -> None:
        """Nothing is connected yet; `timeout_s` holds for each step of reading and writing."""
        super().__init__(host, port, timeout=timeout_s)
        self._policy = policy
        self._line: socket.socket | None = None  # kept where http.client lets go of `sock`
        self._over = False

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Cut the connection where what is done in the block takes longer, all steps together.

        A server that sends a byte now and then would else hold its reader for ever. Raises
        TimeoutError also where what was read so far looked whole.
        """
        self._over = False
        timer = Timer(seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        except (OSError, http.client.HTTPException):
            if not self._over:
                raise
        finally:
            timer.cancel()
        if self._over:
            self.close()
            raise TimeoutError(f"{self.host} takes longer than {seconds:g} s")

    def _cut(self) -> None:
        self._over = True
        try:
            if self._line is not None:
                # of the plain socket: TLS may be reading from it in another thread
                socket.socket.shutdown(self._line, socket.SHUT_RDWR)
        except OSError:
            return  # closed already

    def connect(self) -> None:
        """Dial. Raises AddressRefused, OSError."""
        self.sock = self._line = self._dialled()

    def _dialled(self) -> socket.socket:
        refused: OSError | None = None
        for family, kind, protocol, _, address in socket.getaddrinfo(
            self.host, self.port, type=socket.SOCK_STREAM
        ):
            self._policy.check(str(address[0]))
            if self._over:
                break
            dialled = socket.socket(family, kind, protocol)
            try:
                dialled.settimeout(self.timeout)
                dialled.connect(address)
            except OSError as error:
                dialled.close()
                refused = error
            else:
                return dialled
        raise refused or OSError(f"{self.host} has no address")


class CheckedTlsConnection(CheckedConnection):
    """HTTP over TLS to one host, by the system's authorities."""

    default_port = http.client.HTTPS_PORT

    def connect(self) -> None:
        """Dial. Raises AddressRefused, ssl.SSLError, OSError."""
        context = ssl.create_default_context()
        self.sock = self._line = context.wrap_socket(
            self._dialled(), server_hostname=self.host, do_handshake_on_connect=False
        )
        self.sock.do_handshake()


def connection(
    scheme: str, host: str, port: int | None, policy: AddressPolicy, timeout_s: float
) -> CheckedConnection:
    """Return what speaks `http` or `https` to a host; nothing is connected yet."""
    kind = CheckedTlsConnection if scheme == "https" else CheckedConnection
    return kind(host, port, policy, timeout_s)
