"""What a data directory gives `audit verify` to trust: own and partners' accepted root documents.

Rule of this file: files are read, never judged anew; a missing or damaged one is reported and
leaves what depends on it unproved, not wrong.
"""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from node.audit.errors import AuditError
from node.audit.origin import stated_origin
from node.audit.verify import Anchors
from node.config import Witnessing
from node.config_reading import load_settings
from node.data_directory import DataDirectory
from node.federation import superseded
from node.federation.errors import FederationError
from node.federation.peer import Peer
from node.federation.peers import PeerBook
from node.operations.errors import OperationError
from node.witness.known import policy as witnesses
from protocol.document import DocumentRefused
from protocol.log_keys import LogKeys
from protocol.note import VerifierKey
from protocol.root import RootDocument, read_root
from protocol.root_changes import log_keys
from protocol.root_history import every_key
from protocol.witness_policy import WitnessPolicy, as_stated


@dataclass(frozen=True)
class FoundAnchors:
    """The anchors, and a sentence for each file that could not be used."""

    anchors: Anchors
    warnings: tuple[str, ...]


def from_directory(
    data: DataDirectory,
    log_key: VerifierKey | None,
    log_file: Path | None = None,
    policy: WitnessPolicy | None = None,
) -> FoundAnchors:
    """Read a data directory's root documents; what the auditor was given goes first.

    ``log_file`` is the log that they are for, by default the directory's own. ``policy``: whose
    cosignatures count, by default partners' as the directory's settings say.
    """
    warnings: list[str] = []
    versions = _own_roots(data.roots, warnings)
    own = versions[-1] if versions else None
    known = _partners(data.peers, warnings)
    if own is not None:
        known[own.organisation] = versions
    rings = {name: every_key(documents) for name, documents in known.items()}

    def log_keys_of(organisation: str, origin: str) -> LogKeys | None:
        keys = log_keys(known.get(organisation, ()), origin)
        return keys if keys.ranges else None

    anchors = Anchors(
        organisation=own.organisation if own else None,
        log_key=log_key or _own_log_keys(versions, log_file or data.log_file, warnings),
        ring_of=rings.get,
        log_keys_of=cache(log_keys_of),
        policy=_policy(policy, data, known, warnings),
    )
    return FoundAnchors(anchors, tuple(warnings))


def _policy(
    given: WitnessPolicy | None,
    data: DataDirectory,
    known: dict[str, list[RootDocument]],
    warnings: list[str],
) -> WitnessPolicy:
    """Return whose cosignatures count: given keys alone, else partners'; how many was given too."""
    if given is not None and given.witnesses:
        return _told(given, known, warnings)
    here = _by_settings(data, known, warnings)
    return here if given is None else replace(here, needed=given.needed)


def _told(
    policy: WitnessPolicy, known: dict[str, list[RootDocument]], warnings: list[str]
) -> WitnessPolicy:
    """Return a policy of keys that were given, as their owners' root documents here state them."""
    stated = []
    for told in policy.witnesses:
        found = as_stated(told, known.get(told.organisation, ()))
        if found is None:
            warnings.append(
                f"Revoked by its owner's root document, so it witnesses nothing: {told.key}"
            )
        else:
            stated.append(found)
    return WitnessPolicy(policy.needed, tuple(stated))


def _by_settings(
    data: DataDirectory, known: dict[str, list[RootDocument]], warnings: list[str]
) -> WitnessPolicy:
    """Return the policy of the directory's settings over the organisations that are known."""
    settings = Witnessing()
    try:
        settings = load_settings(data.config_file).witness
    except OperationError as error:
        warnings.append(f"The settings cannot be used, so each witness counts: {error}")
    return witnesses(settings, known.values())


def _own_log_keys(own: list[RootDocument], log_file: Path, warnings: list[str]) -> LogKeys | None:
    """Return the log keys of the own root documents, under the name that the log states."""
    if not own:
        return None
    try:
        keys = log_keys(own, stated_origin(log_file, own[-1].organisation))
    except AuditError as error:
        warnings.append(f"The log's name cannot be used: {error}")
        return None
    return keys if keys.ranges else None


def _own_roots(folder: Path, warnings: list[str]) -> list[RootDocument]:
    """Read every version that is kept, oldest first; none where the newest cannot be used."""
    versions = sorted(
        (int(file.stem), file) for file in folder.glob("*.json") if file.stem.isdigit()
    )
    if not versions:
        warnings.append("There is no own root document; the log's own statement of its key counts.")
    found = []
    for number, file in versions:
        try:
            found.append(read_root(file.read_bytes())[0])
        except (OSError, DocumentRefused) as error:
            warnings.append(f"Version {number} of the own root document cannot be used: {error}.")
            if number == versions[-1][0]:
                return []
    return found


def _partners(folder: Path, warnings: list[str]) -> dict[str, list[RootDocument]]:
    """Every root document, oldest first, that is kept of partners, also of former ones."""
    peers: dict[str, Peer] = {}
    try:
        peers = {peer.organisation: peer for peer in PeerBook.open(folder).all()}
    except (OSError, FederationError) as error:
        warnings.append(f"The partners' root documents cannot be used: {error}.")
    found = {}
    for name in sorted({*peers, *superseded.organisations(folder)}):
        documents, damaged = superseded.kept(folder, name)
        warnings += [f"A superseded root document cannot be used: {each}" for each in damaged]
        newest = [peers[name].root] if name in peers else []
        found[name] = [*documents, *newest]
    return found
