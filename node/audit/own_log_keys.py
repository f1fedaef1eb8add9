"""What a node knows of its log's keys beside the log itself.

Rule of this file: a log whose present key no own root document ever named is not this node's, and
one that is shorter than the newest root document says was put back.
"""

from collections.abc import Callable
from dataclasses import dataclass

from keys.signer import Signer
from node.audit.errors import LogForeign, LogShortened
from protocol.log_terms import LogTerm, contradiction


@dataclass(frozen=True)
class OwnLogKeys:
    """The log keys that the own root documents know.

    ``kids``: all that any version ever named; ``terms``: those that the newest one states;
    ``open``: gives the signer of a key, ``None`` for one that is revoked or not at hand.
    """

    kids: frozenset[str]
    terms: tuple[LogTerm, ...]
    open: Callable[[str], Signer | None]


NONE_KNOWN = OwnLogKeys(frozenset(), (), lambda _: None)
"""For a log of which nothing but its present key is known."""


def check_published(
    stated: tuple[LogTerm, ...], published: tuple[LogTerm, ...], leaves: int
) -> None:
    """Raise LogShortened or LogForeign unless the log states what was published of its keys.

    ``stated`` are all terms of the log, which has ``leaves`` leaves.
    """
    origins = {term.origin for term in stated}
    told = [term for term in published if term.origin in origins]
    if contradiction(told, stated) is None:
        return
    if told[-1].from_size > leaves:
        raise LogShortened(
            f"The log holds {leaves} leaves; the root document says that its key {told[-1].kid} "
            f"took over at {told[-1].from_size}."
        )
    raise LogForeign(
        "The keys that signed this log are not those that the root document states.",
        fix="Restore log.db and roots/ from the same backup.",
    )
