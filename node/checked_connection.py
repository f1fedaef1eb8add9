"""HTTP connections for blocking work, judged by the address that is really dialled.

The rule of this file: as `node.addresses.connector` for asyncio. No proxy, no redirect, no
environment.
"""

import http.client
import socket
import ssl

from node.addresses import AddressPolicy


class CheckedConnection(http.client.HTTPConnection):
    """Plain HTTP to one host."""

    def __init__(
        self, host: str, port: int | None, policy: AddressPolicy, timeout_s: float
    ) -> None:
        """Nothing is connected yet; `timeout_s` holds for each step of reading and writing."""
        super().__init__(host, port, timeout=timeout_s)
        self._policy = policy

    def connect(self) -> None:
        """Dial. Raises AddressRefused, OSError."""
        self.sock = self._dialled()

    def _dialled(self) -> socket.socket:
        refused: OSError | None = None
        for family, kind, protocol, _, address in socket.getaddrinfo(
            self.host, self.port, type=socket.SOCK_STREAM
        ):
            self._policy.check(str(address[0]))
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
        self.sock = context.wrap_socket(self._dialled(), server_hostname=self.host)


def connection(
    scheme: str, host: str, port: int | None, policy: AddressPolicy, timeout_s: float
) -> CheckedConnection:
    """Return what speaks `http` or `https` to a host; nothing is connected yet."""
    kind = CheckedTlsConnection if scheme == "https" else CheckedConnection
    return kind(host, port, policy, timeout_s)
