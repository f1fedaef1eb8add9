"""The name of an organisation's audit log, which stands on its checkpoints and in its card.

Rule of this file: the first log of an organisation has the plain name. A log that succeeds one
that was lost in part has a name of its own, and states it itself; a log of another organisation
is never taken for one's own.
"""

from pathlib import Path

from node.audit import schema
from node.audit.errors import LogForeign


def log_origin(organisation: str) -> str:
    """Return the C2SP tlog-checkpoint origin of an organisation's first log."""
    return f"{organisation}/interlingua"


def successor_origin(organisation: str, at: int) -> str:
    """Return the origin of a log that is opened at ``at`` (epoch seconds) in place of another."""
    return f"{log_origin(organisation)}-{at}"


def is_of(origin: str, organisation: str) -> bool:
    """Tell whether ``origin`` names a log of the organisation."""
    first = log_origin(organisation)
    return origin == first or origin.startswith(f"{first}-")


def stated_origin(path: Path, organisation: str) -> str:
    """Return the name that log.db states, or that of a first log where none was begun.

    Raises LogForeign for another organisation's log, and the errors of ``schema.connect_reader``.
    """
    if not schema.was_begun(path):
        return log_origin(organisation)
    with schema.snapshot(path) as connection:
        origin = schema.meta(connection, "origin")
    if origin and not is_of(origin, organisation):
        raise LogForeign(f"{path} states that it is the log {origin}.")
    return origin or log_origin(organisation)
