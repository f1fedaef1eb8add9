"""The newest moment of which the log's last leaves speak."""

from pathlib import Path

from node.audit import schema

LAST = 1024
"""Leaves that are looked at: those written by a clock that went back can be the very last ones."""


def last_instant(path: Path) -> int:
    """The newest time (epoch seconds, UTC) among the last leaves; 0 for an empty log.

    Raises LogDamaged, LogTooNew or LogUnavailable where log.db cannot be read.
    """
    with schema.snapshot(path) as connection:
        newest = "SELECT at FROM facts ORDER BY idx DESC LIMIT ?"
        row = connection.execute(f"SELECT max(at) FROM ({newest})", (LAST,)).fetchone()  # noqa: S608 - one constant text
    return int(row[0] or 0)
