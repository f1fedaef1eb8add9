"""What `interlingua init` prints with `--json`."""

from __future__ import annotations

from pydantic import BaseModel


class Initialised(BaseModel):
    """A new node: its name, address, directory, and the twelve words of its root key."""

    organisation: str
    url: str | None
    data: str
    fingerprint: str
