"""Checkpoints of a log that others hold: is a copy of it older, rolled back, or another one?

Rule of this file: a checkpoint from elsewhere counts where the log's key signed it. A larger one
says that leaves are missing here, one of another root that the log forked; any other says nothing.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field

from node.audit import tree_rows
from node.audit.errors import LogDamaged
from node.audit.findings import Findings
from protocol.checkpoint import Checkpoint, open_checkpoint
from protocol.log_errors import LogMaterialError
from protocol.log_keys import LogKeys
from protocol.merkle import root


@dataclass
class SeenElsewhere:
    """What came of them: how many were compared, and why the others could not be."""

    compared: int = 0
    not_compared: list[str] = field(default_factory=list)


def compare(
    connection: sqlite3.Connection,
    seen: Iterable[bytes],
    origin: str,
    keys: LogKeys | None,
    findings: Findings,
) -> SeenElsewhere:
    """Compare signed notes with the log; `keys`: those of the log, as far as they are believed.

    Roots come from stored hashes, which the walk has compared with the leaves.
    """
    done, size = SeenElsewhere(), tree_rows.size(connection)
    for note in seen:
        try:
            other = open_checkpoint(note, origin, keys or LogKeys(origin, {}))
        except LogMaterialError as error:
            done.not_compared.append(f"a checkpoint that proves nothing: {error}")
            continue
        _compare(connection, other, size, findings, done)
    return done


def _compare(
    connection: sqlite3.Connection,
    other: Checkpoint,
    size: int,
    findings: Findings,
    done: SeenElsewhere,
) -> None:
    if other.size > size:
        done.compared += 1
        detail = f"{size} leaves are here, and elsewhere the log's key signed {other.size}"
        findings.add("log-shortened", f"{detail}: rolled back, or copied before")
        return
    try:
        own = root(other.size, tree_rows.hash_reader(connection))
    except LogDamaged as error:  # named by the walk
        done.not_compared.append(f"the checkpoint of {other.size} leaves: {error}")
        return
    done.compared += 1
    if own != other.root:
        detail = f"the log's key signed another tree of its first {other.size} leaves"
        findings.add("log-forked", detail)
