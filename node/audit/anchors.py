"""What `audit verify` can trust without asking the log: own and partners' accepted root documents.

Rule of this file: files are read, never judged anew; a missing or damaged one is reported and
leaves what depends on it unproved, not wrong.
"""

from dataclasses import dataclass
from pathlib import Path

from keys.ring import KeyRing
from node.audit.errors import AuditError
from node.audit.origin import stated_origin
from node.audit.verify import Anchors
from node.data_directory import DataDirectory
from node.federation.errors import FederationError
from node.federation.peer import Peer
from node.federation.peers import PeerBook
from protocol.document import DocumentRefused, read_document
from protocol.note import VerifierKey
from protocol.root import ROOT_TYPE, RootDocument, RootRefused


@dataclass(frozen=True)
class FoundAnchors:
    """The anchors, and a sentence for each file that could not be used."""

    anchors: Anchors
    warnings: tuple[str, ...]


def unknown(log_key: VerifierKey | None) -> Anchors:
    """Return the anchors of somebody who has nothing but, perhaps, the log's key."""
    organisation = log_key.name.partition("/")[0] if log_key else None
    return Anchors(organisation, log_key, lambda _: None, lambda _: None)


def from_directory(data: DataDirectory, log_key: VerifierKey | None) -> FoundAnchors:
    """Read a data directory's root documents; ``log_key`` given by the auditor goes first."""
    warnings: list[str] = []
    own = _own_root(data.roots, warnings)
    peers = _peers(data.peers, warnings)

    def ring_of(organisation: str) -> KeyRing | None:
        if own is not None and organisation == own.organisation:
            return own.ring
        peer = peers.get(organisation)
        return peer.root.ring if peer else None

    def log_key_of(organisation: str) -> VerifierKey | None:
        peer = peers.get(organisation)
        record = peer.root.ring.records.get(peer.card.log_kid) if peer else None
        return VerifierKey(peer.card.log_origin, record.public) if peer and record else None

    anchors = Anchors(
        organisation=own.organisation if own else None,
        log_key=log_key or (_own_log_key(own, data.log_file, warnings) if own else None),
        ring_of=ring_of,
        log_key_of=log_key_of,
    )
    return FoundAnchors(anchors, tuple(warnings))


def _own_log_key(own: RootDocument, log_file: Path, warnings: list[str]) -> VerifierKey | None:
    """Return the newest log key of the own root document, under the name that the log states."""
    keys = [record for record in own.ring.records.values() if record.purpose == "log"]
    if not keys:
        return None
    newest = max(keys, key=lambda record: record.not_after)
    try:
        return VerifierKey(stated_origin(log_file, own.organisation), newest.public)
    except AuditError as error:
        warnings.append(f"The log's name cannot be used: {error}")
        return None


def _own_root(folder: Path, warnings: list[str]) -> RootDocument | None:
    versions = sorted(
        (int(file.stem), file) for file in folder.glob("*.json") if file.stem.isdigit()
    )
    if not versions:
        warnings.append("There is no own root document; the log's own statement of its key counts.")
        return None
    try:
        return read_document(versions[-1][1].read_bytes(), ROOT_TYPE, RootDocument, RootRefused)[0]
    except (OSError, DocumentRefused) as error:
        warnings.append(f"The own root document cannot be used: {error}.")
        return None


def _peers(folder: Path, warnings: list[str]) -> dict[str, Peer]:
    try:
        return {peer.organisation: peer for peer in PeerBook.open(folder).all()}
    except (OSError, FederationError) as error:
        warnings.append(f"The partners' root documents cannot be used: {error}.")
        return {}
