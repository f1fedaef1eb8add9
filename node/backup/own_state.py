"""What this node has of itself, and whether a partner holds more: pure comparisons.

The rule of this file: only what this organisation signed itself counts, a checkpoint under an own
log key or a root document under the own root keys. A partner's claim that nothing of this shows is
ignored and said so; it can withhold, and never invent.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from keys.thumbprint import thumbprint
from node.audit import log_key_rows, schema, tree_rows
from node.audit.origin import log_origin
from node.audit.succession import predecessors, succession
from node.backup.own_root import accept_own
from protocol.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from protocol.document import DocumentRefused
from protocol.limits import CLOCK_SKEW_S
from protocol.log_errors import LogMaterialError
from protocol.merkle import Frontier
from protocol.root_changes import log_keys

if TYPE_CHECKING:
    from collections.abc import Iterable

    from protocol.messages import Held
    from protocol.root import RootDocument


class Older(NamedTuple):
    """In what this node is older than a partner has seen it, and the sentence that says so."""

    what: Literal["log", "root"]
    words: str


@dataclass(frozen=True)
class OwnState:
    """The own log and documents as they lie on the disk.

    `origin` names the log and `kid` the key of its last checkpoint; `size` counts its leaves,
    `note` is the last checkpoint (both empty for a log that was never begun). `given_up` are the
    names of logs that this one succeeds. `history` are the own root documents, oldest first.
    `clock` is now in epoch seconds UTC.
    """

    log_file: Path
    origin: str
    kid: str
    size: int
    note: str
    given_up: frozenset[str]
    history: tuple[RootDocument, ...]
    clock: int

    @property
    def root(self) -> RootDocument:
        """The newest own root document."""
        return self.history[-1]

    def root_at(self, size: int) -> bytes:
        """The root hash of the first `size` leaves, from the stored subtree hashes."""
        with schema.snapshot(self.log_file) as connection:
            return Frontier.load(size, tree_rows.hash_reader(connection)).root()


@dataclass(frozen=True)
class Judged:
    """What one partner's claim comes to.

    `behind` is what it holds that this node has not; `ignored` are sentences on what did not
    verify. `checkpoint` is the verified checkpoint that it holds of this node's present log, and
    `note` its text; `root` the verified root document, `root_raw` its envelope.
    """

    behind: tuple[Older, ...] = ()
    ignored: tuple[str, ...] = ()
    checkpoint: Checkpoint | None = None
    note: str | None = None
    root: RootDocument | None = None
    root_raw: bytes | None = None


def own_state(log_file: Path, history: Iterable[RootDocument], clock: int) -> OwnState:
    """Read the own state. Raises LogRefused's kinds."""
    documents = tuple(history)
    fresh = log_origin(documents[-1].organisation)
    if not log_file.exists():
        return OwnState(log_file, fresh, "", 0, "", frozenset(), documents, clock)
    with schema.snapshot(log_file) as connection:
        origin = schema.meta(connection, "origin")
        newest = tree_rows.newest_note(connection)
        if not origin or newest is None:
            return OwnState(log_file, fresh, "", 0, "", frozenset(), documents, clock)
        kid = thumbprint(log_key_rows.stated_keys(connection)[-1].public)
        size = tree_rows.size(connection)
        first = succession(connection)
    given_up = frozenset({first.origin} if first else set()) | predecessors(log_file.parent)
    note = newest[1].decode()
    return OwnState(log_file, origin, kid, size, note, given_up, documents, clock)


def judge(held: Held, own: OwnState) -> Judged:
    """Compare what a partner holds with the own state."""
    root, why_not = _verified_root(held, own)
    ignored = [] if why_not is None else [why_not]
    behind = [*_older_root(root, own), *_older_by_terms(root, own)]
    checkpoint = None
    if held.checkpoint is not None:
        checkpoint = _verified_checkpoint(held.checkpoint, own, root)
        if checkpoint is None:
            ignored.append("its checkpoint of this node's log is signed by no own log key")
        else:
            behind += _older_log(checkpoint, own)
    ignored += _unsigned(held, own)
    return Judged(
        tuple(behind),
        tuple(ignored),
        checkpoint,
        held.checkpoint if checkpoint else None,
        root,
        held.root.encode() if root else None,
    )


def _unsigned(held: Held, own: OwnState) -> list[str]:
    """What the partner claims and no own signature shows: words for a person, and nothing else."""
    found = []
    if held.log_origin != own.origin and held.log_origin not in own.given_up:
        found.append(
            f"it claims to have approved the log {held.log_origin}, and this one is {own.origin}"
        )
    if held.card_serial > own.clock + CLOCK_SKEW_S:
        found.append(
            f"it claims a card with serial {held.card_serial}, which this node's clock "
            f"({own.clock}) has not reached: compare the clocks"
        )
    return found


def _verified_root(held: Held, own: OwnState) -> tuple[RootDocument | None, str | None]:
    """The own root document that the partner holds, where the own root keys are behind it."""
    try:
        return accept_own(held.root.encode(), own.history), None
    except DocumentRefused as error:
        return None, f"the root document that it shows as this node's does not verify: {error}"


def _older_root(root: RootDocument | None, own: OwnState) -> list[Older]:
    if root is None:
        return []
    if root.version > own.root.version:
        words = (
            f"it holds version {root.version} of this node's root document, and the newest here is "
            f"{own.root.version}"
        )
        return [Older("root", words)]
    known = {each.version: each.digest for each in own.history}
    if known.get(root.version, root.digest) != root.digest:
        words = f"it holds another version {root.version} of this node's root document"
        return [Older("root", words)]
    return []


def _verified_checkpoint(note: str, own: OwnState, root: RootDocument | None) -> Checkpoint | None:
    """The checkpoint, if an own log key signed it, also one that only the partner's copy names.

    A key counts for the sizes of its term. One that was revoked counts for nothing but the log that
    it still signs here.
    """
    shown = [root] if root else []
    documents = sorted((*own.history, *shown), key=lambda document: document.version)
    revoked = {kid for document in documents for kid in document.ring.revocations}
    with suppress(LogMaterialError):
        origin = parse_checkpoint(note.partition("\n\n")[0] + "\n").origin
        known = log_keys(documents, origin)
        believed = known.only(known.kids - revoked | {own.kid})
        return open_checkpoint(note.encode(), origin, believed)
    return None


def _older_by_terms(root: RootDocument | None, own: OwnState) -> list[Older]:
    """Whether an own root document states a term of this log that begins beyond its end."""
    stated = [term for each in (own.root, *([root] if root else [])) for term in each.log_terms]
    last = max((term.from_size for term in stated if term.origin == own.origin), default=0)
    if last <= own.size:
        return []
    words = (
        f"the root document says that this node's log had {last} leaves when its key was replaced, "
        f"and the log has {own.size}"
    )
    return [Older("log", words)]


def _older_log(checkpoint: Checkpoint, own: OwnState) -> list[Older]:
    if checkpoint.origin in own.given_up:
        return []
    if checkpoint.origin != own.origin:
        words = f"it holds a checkpoint of the log {checkpoint.origin}; this one is {own.origin}"
    elif checkpoint.size > own.size:
        words = (
            f"it holds a checkpoint of {checkpoint.size} leaves of this node's log, which has "
            f"{own.size}"
        )
    elif own.root_at(checkpoint.size) != checkpoint.root:
        words = (
            f"it holds a checkpoint of {checkpoint.size} leaves that is not of this node's log: "
            "its first leaves differ"
        )
    else:
        return []
    return [Older("log", words)]
