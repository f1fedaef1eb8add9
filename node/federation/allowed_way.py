"""What a person permits of the way to one partner, when inviting it or answering it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from node.federation.client import reach_of_url
from node.federation.transport import Transport


@dataclass(frozen=True)
class Allowed:
    """What a person permits of the way to one partner (see `Transport`)."""

    private: bool = False
    plaintext: bool = False
    ca_file: Path | None = None

    def transport(self, url: str | None, *, beside: bool) -> Transport:
        """The transport for a partner at `url`; None for one that only asks.

        `beside`: it may run on this machine. Otherwise a loopback url, which anybody may write into
        its documents, leads nowhere unless private addresses are permitted.
        """
        near = url is not None and (beside or self.private) and reach_of_url(url) == "loopback"
        reach: Literal["loopback", "public"] = "loopback" if near else "public"
        return Transport(reach, self.private, self.plaintext, self.ca_file)
