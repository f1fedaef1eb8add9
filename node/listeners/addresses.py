"""`listeners.json`: where the running node listens, for the command line, tests and scripts.

Written when all listeners are up and removed when the node stops; a left-over file of a killed node
is replaced at the next start.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from node import durable_file
from node.operations.errors import NotFound

if TYPE_CHECKING:
    from node.data_directory import DataDirectory
    from node.listeners.listening import Listening


class Address(BaseModel):
    """One listener's real address; with port 0 in the settings the system chose the port."""

    host: str
    port: int
    url: str


class Listeners(BaseModel):
    """All listeners of a running node and its process id.

    `partners` is written as `federation`; None for a node that only asks.
    """

    model_config = ConfigDict(serialize_by_alias=True, populate_by_name=True)

    pid: int
    partners: Annotated[Address | None, Field(alias="federation")]
    local_api: Address
    admin: Address

    @property
    def federation(self) -> Address:
        """Where partners reach the node; raises NotFound for a node that only asks."""
        if self.partners is None:
            raise NotFound(
                "This node only asks: it has no federation listener.",
                fix="Set url and federation.enabled = true, and start it again.",
                code="asks-only",
            )
        return self.partners


def publish(
    data: DataDirectory, federation: Listening | None, local_api: Listening, admin: Listening
) -> Listeners:
    """Write the file; what it says holds from then on."""
    shown = Listeners(
        pid=os.getpid(),
        partners=_address(federation) if federation is not None else None,
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
