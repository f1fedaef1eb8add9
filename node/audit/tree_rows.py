"""The tree in log.db: leaves, subtree hashes and checkpoints as rows.

Rule of this file: what was loaded has been compared. ``load`` gives the right edge of the tree
only if the stored subtree hashes lead to the root that the newest checkpoint signed.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from node.audit import many_rows
from node.audit.errors import LogDamaged, LogForeign, LogShortened
from protocol.checkpoint import Checkpoint, open_checkpoint
from protocol.leaf import Leaf
from protocol.log_errors import BeyondTerm, LogMaterialError, UntrustedNote, WrongOrigin
from protocol.log_keys import LogKeys
from protocol.merkle import Frontier, HashAt, Node, inclusion_proof, leaf_hash, position
from protocol.tlog_proof import TlogProof


@dataclass(frozen=True)
class Head:
    """The newest checkpoint: the signed note's bytes and what they say."""

    note: bytes
    checkpoint: Checkpoint


@dataclass(frozen=True)
class Tree:
    """The right edge of the tree, and the checkpoint over it."""

    frontier: Frontier
    head: Head


class NewLeaf(NamedTuple):
    """A leaf with the index that it will have, and its canonical bytes."""

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs here
    leaf: Leaf
    raw: bytes


def hash_reader(connection: sqlite3.Connection) -> HashAt:
    """Return a ``hash_at(level, index)`` over the stored subtree hashes; LogDamaged if missing."""

    def hash_at(level: int, index: int) -> bytes:
        row = connection.execute(
            "SELECT hash FROM nodes WHERE position = ?", (position(level, index),)
        ).fetchone()
        if row is None:
            raise LogDamaged(f"The subtree hash {level}/{index} is missing from log.db.")
        return bytes(row[0])

    return hash_at


def size(connection: sqlite3.Connection) -> int:
    """Return the number of leaves, taken from the highest index."""
    highest = connection.execute("SELECT max(idx) FROM leaves").fetchone()[0]
    return 0 if highest is None else int(highest) + 1


def leaf(connection: sqlite3.Connection, index: int) -> bytes | None:
    """Return a leaf's bytes, ``None`` if there is no such leaf."""
    row = connection.execute("SELECT data FROM leaves WHERE idx = ?", (index,)).fetchone()
    return bytes(row[0]) if row else None


def newest_note(connection: sqlite3.Connection) -> tuple[int, bytes] | None:
    """Return (size, signed note) of the newest checkpoint, unverified; ``None`` in a new log."""
    row = connection.execute(
        "SELECT size, note FROM checkpoints ORDER BY size DESC LIMIT 1"
    ).fetchone()
    return (int(row[0]), bytes(row[1])) if row else None


def open_head(newest: tuple[int, bytes], origin: str, keys: LogKeys) -> Head:
    """Verify the newest checkpoint.

    Raises LogForeign if another key or origin signed it, LogDamaged if it is no checkpoint.
    """
    stored_size, note = newest
    try:
        checkpoint = open_checkpoint(note, origin, keys)
    except (UntrustedNote, WrongOrigin, BeyondTerm) as error:
        raise LogForeign(
            f"The newest checkpoint is not signed by the log's key: {error}."
        ) from error
    except LogMaterialError as error:
        raise LogDamaged(f"The newest checkpoint is damaged: {error}.") from error
    if checkpoint.size != stored_size:
        raise LogDamaged(
            f"The checkpoint stored for {stored_size} leaves was signed for {checkpoint.size}."
        )
    return Head(note, checkpoint)


def load(connection: sqlite3.Connection, origin: str, keys: LogKeys) -> Tree:
    """Rebuild the edge of a tree that has a checkpoint, and compare its root with what was signed.

    Raises LogShortened, LogForeign or LogDamaged; each message names what disagrees.
    """
    leaves = size(connection)
    newest = newest_note(connection)
    if newest is None:
        raise LogDamaged(f"The log holds {leaves} leaves and no checkpoint at all.")
    head = open_head(newest, origin, keys)
    signed = head.checkpoint.size
    if leaves < signed:
        raise LogShortened(f"The log holds {leaves} leaves; its last checkpoint signed {signed}.")
    if leaves > signed:
        raise LogDamaged(f"The log holds {leaves} leaves, but only {signed} were ever signed.")
    hash_at = hash_reader(connection)
    frontier = Frontier.load(leaves, hash_at)
    if frontier.root() != head.checkpoint.root:
        raise LogDamaged("The stored subtree hashes do not lead to the signed root.")
    if leaves and leaf_hash(leaf(connection, leaves - 1) or b"") != hash_at(0, leaves - 1):
        raise LogDamaged(f"The last leaf, {leaves - 1}, does not have the hash that was signed.")
    return Tree(frontier, head)


def insert(
    connection: sqlite3.Connection, leaves: Sequence[NewLeaf], nodes: Iterable[Node], head: Head
) -> None:
    """Append leaves, their facts, subtree hashes and the checkpoint over them."""
    many_rows.insert(connection, "INTO leaves", [(n.index, n.raw) for n in leaves])
    facts = [(n.index, n.leaf.at, n.leaf.type, n.leaf.peer) for n in leaves]
    many_rows.insert(connection, "INTO facts", facts)
    grown = [(position(level, index), hash_) for level, index, hash_ in nodes]
    many_rows.insert(connection, "INTO nodes", grown)
    connection.execute("INSERT INTO checkpoints VALUES (?, ?)", (head.checkpoint.size, head.note))


def receipt(
    connection: sqlite3.Connection, index: int, under: tuple[int, bytes] | None = None
) -> tuple[bytes, bytes]:
    """Return leaf ``index`` and its tlog-proof, as stored.

    ``under``: size and signed note of the checkpoint to prove it against, by default the newest.
    The connection holds one snapshot open. Raises LookupError if there is no such leaf.
    """
    raw, newest = leaf(connection, index), under or newest_note(connection)
    if raw is None or newest is None or index >= newest[0]:
        raise LookupError(f"the log has no leaf {index}")
    path = inclusion_proof(index, newest[0], hash_reader(connection))
    return raw, TlogProof(index, tuple(path), newest[1]).encode()
