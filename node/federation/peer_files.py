"""Where partners are kept: `peers/<organisation>.json`, one file each, replaced whole.

The rule of this file: it knows files and no states; when which one is written is the book's matter
(`node/federation/peers.py`).
"""

from pathlib import Path

from node import durable_file
from node.federation.errors import PeerDamaged
from node.federation.peer import Peer, PeerRecord, read_peer
from node.federation.superseded import keep
from protocol.document import DocumentRefused


class PeerFiles:
    """The files of all partners in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> dict[str, Peer]:
        """Read every partner, by name; raises PeerDamaged, naming its file, for a damaged one."""
        peers = {}
        for path in sorted(self._folder.glob("*.json")):
            try:
                peer = read_peer(PeerRecord.model_validate_json(path.read_bytes()))
            except (ValueError, DocumentRefused) as error:
                raise PeerDamaged(f"{path.name} among the partners is damaged: {error}") from None
            peers[peer.organisation] = peer
        return peers

    def write(self, record: PeerRecord) -> None:
        """Replace a partner's file; durable when this returns."""
        path = self._path(record.organisation)
        durable_file.replace(path, record.model_dump_json(indent=1).encode())

    def remove(self, organisation: str) -> None:
        """Remove a partner's file; durable when this returns."""
        durable_file.remove(self._path(organisation))

    def supersede(self, organisation: str, roots: list[str]) -> None:
        """Keep earlier root documents (signed envelopes), which auditors need."""
        keep(self._folder, organisation, roots)

    def _path(self, organisation: str) -> Path:
        return self._folder / f"{organisation}.json"
