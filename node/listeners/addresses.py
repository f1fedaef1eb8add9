"""`listeners.json`: where the running node listens, for the command line, tests and scripts.

Written when all listeners are up and removed when the node stops; a left-over file of a killed node
is replaced at the next start.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from node import durable_file

if TYPE_CHECKING:
    from node.data_directory import DataDirectory
    from node.listeners.listening import Listening


class Address(BaseModel):
    """One listener's real address; with port 0 in the settings the system chose the port."""

    host: str
    port: int
    url: str


class Listeners(BaseModel):
    """All listeners of a running node and its process id."""

    pid: int
    federation: Address
    local_api: Address
    admin: Address


def publish(
    data: DataDirectory, federation: Listening, local_api: Listening, admin: Listening
) -> Listeners:
    """Write the file; what it says holds from then on."""
    shown = Listeners(
        pid=os.getpid(),
        federation=_address(federation),
        local_api=_address(local_api),
        admin=_address(admin),
    )
    durable_file.replace(data.listeners_file, shown.model_dump_json(indent=1).encode())
    return shown


def read(data: DataDirectory) -> Listeners | None:
    """What a running node wrote, or None."""
    try:
        return Listeners.model_validate_json(data.listeners_file.read_bytes())
    except (OSError, ValidationError):
        return None


def withdraw(data: DataDirectory) -> None:
    """The node stops."""
    data.listeners_file.unlink(missing_ok=True)


def _address(listening: Listening) -> Address:
    return Address(host=listening.host, port=listening.port, url=listening.url)
