"""One node, one directory: where everything lies, who may read it, and who has it open.

The directory is 0700. An exclusive lock (`flock` on `lock`) is held by whoever has the node open,
the running node or one command, so the store and the log have one owner at any time. The lock ends
with its process, also after kill -9; its file stays.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from node.operations.errors import NotFound, OperationError, Unavailable

MAX_SOCKET_PATH = 100  # bytes; sun_path holds 108 on Linux and 104 on the BSDs


class DirectoryInUse(Unavailable):
    """Another process holds the lock of the data directory."""

    default_code = "data-directory-in-use"


class DirectoryExposed(OperationError):
    """Others than whoever runs the node may read or change the data directory."""

    default_code = "data-directory-exposed"


class DataDirectory:
    """The layout of a node's data directory.

    Args:
        path: the directory; it need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        self.config_file = self.path / "interlingua.toml"
        self.lock_file = self.path / "lock"
        self.admin_socket = self.path / "admin.sock"
        self.listeners_file = self.path / "listeners.json"
        self.store_file = self.path / "store.db"
        self.log_file = self.path / "log.db"
        self.selection_file = self.path / "selection.db"
        self.content_file = self.path / "content.db"
        self.content_keys_file = self.path / "content_keys.db"
        self.witness_file = self.path / "witness.db"
        self.forks = self.path / "forks"
        self.tokens_file = self.path / "tokens.json"
        self.policy_file = self.path / "policy.json"
        self.invitations_file = self.path / "invitations.json"
        self.card_file = self.path / "card.json"
        self.mark_file = self.path / "restored.json"
        self.roots = self.path / "roots"
        self.announced_file = self.path / "announced.json"
        self.acknowledged_file = self.path / "acknowledged.json"
        self.draft_file = self.path / "root-draft.json"
        self.keys = self.path / "keys"
        self.master_file = self.keys / "master.key"
        self.content_key_file = self.keys / "content.key"
        self.indexes = self.path / "indexes"
        self.adapters = self.path / "adapters"
        self.spaces = self.path / "spaces"
        self.anchors = self.path / "anchors"
        self.peers = self.path / "peers"

    def key_file(self, purpose: str) -> Path:
        """The key file of a purpose (`root`, `card`, `sign`, `log`, `witness`)."""
        return self.keys / f"{purpose}.key"

    def root_file(self, version: int) -> Path:
        """The file of one version of the root document."""
        return self.roots / f"{version}.json"

    def folders(self) -> tuple[Path, ...]:
        """The folders of the layout, each 0700."""
        return (
            self.keys,
            self.roots,
            self.indexes,
            self.adapters,
            self.spaces,
            self.anchors,
            self.peers,
        )

    def create(self) -> None:
        """Make the directory and its folders, 0700; what exists stays."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in self.folders():
            folder.mkdir(exist_ok=True, mode=0o700)

    def require(self) -> None:
        """Refuse to go on where no node was initialised, or where others may read or change it.

        Raises:
            NotFound: there is no configuration file.
            DirectoryExposed: group or others have access, or it is another user's, who could put
                another configuration there.
        """
        if not self.config_file.is_file():
            raise NotFound(
                f"There is no node in {self.path}.",
                fix="Run `interlingua init`, or name its directory with --data (INTERLINGUA_DATA).",
                code="no-node",
            )
        status = self.path.stat()
        if status.st_uid != os.geteuid():
            raise DirectoryExposed(
                f"The data directory {self.path} belongs to another user (uid {status.st_uid}).",
                fix=f"Run this as that user, e.g. by sudo -u '#{status.st_uid}'. If that user did "
                f"not make the node, do not use what lies there.",
            )
        mode = status.st_mode & 0o777
        if mode & 0o077:
            raise DirectoryExposed(
                f"The data directory {self.path} has mode {mode:04o}: others may read it.",
                fix=f"chmod 700 {self.path}",
            )

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the directory exclusively.

        Raises:
            DirectoryInUse: another process has it.
        """
        descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DirectoryInUse(
                    f"The data directory {self.path} is in use by another process.",
                    fix="Stop the running node, or wait for the other command to end.",
                ) from None
            yield
        finally:
            os.close(descriptor)


@contextmanager
def short_socket_path(path: Path) -> Iterator[Path]:
    """A path to the same socket that fits into a Unix address, however deep its folder lies.

    A long one is reached through `/proc/self/fd` (Linux).

    Raises:
        OperationError: the path is too long and the system offers no way round.
    """
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH:
        yield path
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        by_descriptor = Path(f"/proc/self/fd/{folder}")
        if not by_descriptor.exists():
            raise OperationError(
                f"The path of the admin socket is longer than {MAX_SOCKET_PATH} bytes: {path}.",
                fix="Use a data directory with a shorter path.",
                code="socket-path-too-long",
            )
        yield by_descriptor / path.name
    finally:
        os.close(folder)
