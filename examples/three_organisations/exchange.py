"""What the three administrators hand to each other: a folder of small files.

The rule of this file: nothing private is in it. In real life these files travel by mail or a shared
drive, and the six words of a pairing over another channel than the rest, such as the phone.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

from examples.three_organisations.organisations import Organisation

PATIENCE_S = 600.0
"""Seconds to wait for what another organisation has not handed over yet."""
GLANCE_S = 0.1


class NeverCame(Exception):
    """Another organisation did not hand a file over in time; the message names the file."""


class Exchange:
    """The folder, and waiting for what others put into it."""

    def __init__(self, folder: Path, patience_s: float = PATIENCE_S) -> None:
        self.folder = folder
        self._patience_s = patience_s
        self._over = threading.Event()
        folder.mkdir(parents=True, exist_ok=True)

    def give_up(self) -> None:
        """End everybody's waiting: what they wait for will not come."""
        self._over.set()

    def place(self, organisation: Organisation, what: str) -> Path:
        """Path of one organisation's file of some kind, whether it is there yet or not."""
        return self.folder / f"{organisation.short}.{what}"

    def give(self, organisation: Organisation, what: str, text: str) -> Path:
        """Hand a text over, whole or not at all."""
        path = self.place(organisation, what)
        part = path.with_name(f"{path.name}.part")
        part.write_text(text + "\n", encoding="utf-8")
        return part.replace(path)

    def receive(self, organisation: Organisation, what: str) -> str:
        """Wait for another organisation's text. Raises NeverCame when patience ends."""
        return self.awaited(organisation, what).read_text(encoding="utf-8").strip()

    def awaited(self, organisation: Organisation, what: str) -> Path:
        """Wait for another organisation's file. Raises NeverCame when patience ends."""
        return self.await_path(self.place(organisation, what))

    def await_path(self, path: Path) -> Path:
        """Wait for a file. Raises NeverCame when patience ends."""
        until = time.monotonic() + self._patience_s
        while not path.exists():
            if self._over.wait(GLANCE_S) or time.monotonic() > until:
                raise NeverCame(f"nobody has put {path} there")
        return path
