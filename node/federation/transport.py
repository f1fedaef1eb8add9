"""How one partner may be connected to.

Rule of this file: it needs no network library, so that the partners' files can be read, and their
logs audited, where none is installed.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Transport:
    """How one peer may be connected to, as a person decided when adding it.

    `allow_private`: private address ranges too; `allow_plaintext`: http beyond loopback;
    `ca_file`: PEM file of the authorities that may certify this peer, instead of the system's.
    """

    reach: Literal["loopback", "public"] = "public"
    allow_private: bool = False
    allow_plaintext: bool = False
    ca_file: Path | None = None
