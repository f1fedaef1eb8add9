"""forks/: evidence that a partner's log has forked, one file each, to be shown to anybody.

Rule of this file: a file is written once, under the digest of its content, and never changed or
removed by the node. A few files of one organisation prove as much as very many: who forks its log
without end does not fill the disk.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import structlog

from node import durable_file
from protocol.fork import Fork, parse_fork
from protocol.log_errors import MalformedFork

MAX_OF_ONE = 16
"""Files of evidence that are kept of one organisation's logs, the first ones."""
_NAME = re.compile(r"(.+)-[0-9a-f]{16}\.json")

_log = structlog.get_logger("witness")


@dataclass(frozen=True)
class KeptFork:
    """One file of evidence, and the log that it is about."""

    file: Path
    origin: str


class Forks:
    """The evidence in one data directory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, fork: Fork) -> Path | None:
        """Write evidence; the same again changes nothing. Raises OSError.

        None where enough is kept of this organisation.
        """
        content = fork.encode()
        owner = fork.origin.partition("/")[0]
        file = self._folder / f"{owner}-{sha256(content).hexdigest()[:16]}.json"
        if not file.exists():
            if self._count(owner) >= MAX_OF_ONE:
                return None
            self._folder.mkdir(mode=0o700, exist_ok=True)
            durable_file.replace(file, content, mode=0o600)
            _log.error("a partner's log has forked", log=fork.origin, evidence=str(file))
        return file

    def _count(self, owner: str) -> int:
        names = (_NAME.fullmatch(file.name) for file in self._folder.glob("*.json"))
        return sum(1 for name in names if name is not None and name[1] == owner)

    def all(self) -> Iterator[KeptFork]:
        """Yield what is kept; a file that is no evidence is left out."""
        for file in sorted(self._folder.glob("*.json")):
            try:
                yield KeptFork(file, parse_fork(file.read_bytes()).origin)
            except (OSError, MalformedFork):
                continue
