"""NO_PROXY: which hosts are reached without the proxy.

There is no standard; this takes what curl and Go take. An entry is `*`, a domain (with or without a
leading dot or `*.`; those below it count), an address or a network (10.0.0.0/8); a domain or an
address may have a port (`[::1]:443`). Entries that are none of these match nothing.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_WITH_PORT = re.compile(r"\[?([^\[\]]*?)\]?:([0-9]{1,5})")


@dataclass(frozen=True)
class Exempt:
    """One entry.

    Attributes:
        domain: lower case without a leading or trailing dot; empty for all hosts.
        network: instead of a domain.
        port: None for all ports.
    """

    domain: str = ""
    network: _Network | None = None
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Exempt:
        """Read one entry; white space around it does not count."""
        text, port = text.strip().lower(), None
        network = _network(text.strip("[]"))
        with_port = _WITH_PORT.fullmatch(text)
        if network is None and with_port is not None:
            text, port = with_port[1], int(with_port[2])
            network = _network(text)
        if network is not None:
            return cls(network=network, port=port)
        if text == "*":
            return cls(port=port)
        # "!" is in no host name
        return cls(text.removeprefix("*").strip(".") or "!", port=port)

    def covers(self, host: str, port: int) -> bool:
        """Whether a host (lower case, no brackets, no final dot) is reached without the proxy."""
        if self.port not in (None, port):
            return False
        if self.network is not None:
            try:
                return ipaddress.ip_address(host) in self.network
            except ValueError:
                return False
        return not self.domain or f".{host}".endswith(f".{self.domain}")


def exempt(value: str) -> tuple[Exempt, ...]:
    """Read the whole variable: entries with commas between them."""
    return tuple(Exempt.parse(entry) for entry in value.split(",") if entry.strip())


def _network(text: str) -> _Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
