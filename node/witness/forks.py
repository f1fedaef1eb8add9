"""forks/: evidence that a partner's log has forked, one file each, to be shown to anybody.

Rule of this file: a file is written once, under the digest of its content, and never changed or
removed by the node.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import structlog

from node import durable_file
from protocol.fork import Fork, parse_fork
from protocol.log_errors import MalformedFork

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

    def keep(self, fork: Fork) -> Path:
        """Write evidence; the same again changes nothing. Raises OSError."""
        content = fork.encode()
        owner = fork.origin.partition("/")[0]
        file = self._folder / f"{owner}-{sha256(content).hexdigest()[:16]}.json"
        if not file.exists():
            self._folder.mkdir(mode=0o700, exist_ok=True)
            durable_file.replace(file, content, mode=0o600)
            _log.error("a partner's log has forked", log=fork.origin, evidence=str(file))
        return file

    def all(self) -> Iterator[KeptFork]:
        """Yield what is kept; a file that is no evidence is left out."""
        for file in sorted(self._folder.glob("*.json")):
            try:
                yield KeptFork(file, parse_fork(file.read_bytes()).origin)
            except (OSError, MalformedFork):
                continue
