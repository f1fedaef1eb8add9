"""Who was answered from one version of a collection, and how often: read from the log's leaves."""

from collections import Counter
from pathlib import Path

from node.audit import schema
from node.audit.search import passing
from protocol.exchange_leaves import Answered
from protocol.leaf import decode_leaf
from protocol.leaf_filter import LeafFilter


def answered_by(
    log_file: Path, collection: str, version: str, since: int
) -> Counter[tuple[str, str]]:
    """Count answers since then (epoch seconds) by partner and the space asked in; blocking.

    Raises LogDamaged, LogTooNew or LogUnavailable where the log cannot be read.
    """
    wanted = LeafFilter(type="answered", collection=collection, since=since)
    found: Counter[tuple[str, str]] = Counter()
    with schema.snapshot(log_file) as connection:
        for raw in passing(connection, wanted):
            leaf = decode_leaf(raw)
            if isinstance(leaf, Answered) and leaf.version == version:
                found[leaf.peer, leaf.space] += 1
    return found
