"""How often a grant lets a record be answered about, and how many records.

The rule of this file: what a grant does not say follows from the dimension, so that no record is
solved for (docs/adr/0028). What has been told is counted in exposures.py.
"""

from collections.abc import Callable
from dataclasses import dataclass

from node.policy.grants import Grant


@dataclass(frozen=True)
class RecordLimits:
    """How often a record may be answered about, and how many records may be (None: any number)."""

    scored: int
    answers: int
    records: int | None = None


def scored_limit(dimension: int, granted: int | None) -> int:
    """Return how many answers may show a record's bin to a peer in an epoch: at most D/8.

    From about D exact scores a stored vector can be solved for; an eighth of that, in bins, leaves
    it little better known than the question alone makes it (see docs/policy.md).
    """
    return _at_most(dimension // 8, granted)


def answers_limit(dimension: int, floor: bool, granted: int | None) -> int:
    """Return how many answers may speak of a record to a peer in an epoch, in whatever way.

    D/8 unless the grant says otherwise. Without a floor it may say more, up to D; with one each
    answer compares the record with a known number, however it is shown. What a partner gets out of
    either: docs/adr/0028.
    """
    eighth = max(1, dimension // 8)
    return eighth if granted is None else min(granted, eighth if floor else dimension)


def limits_of(grant: Grant, dimension: int, visible: Callable[[], int]) -> RecordLimits:
    """Return a grant's limits for records of `dimension`; `visible` counts its documents."""
    return RecordLimits(
        scored_limit(dimension, grant.scored_answers),
        answers_limit(dimension, grant.has_floor, grant.answers_per_record),
        records_limit(grant, visible),
    )


def records_limit(grant: Grant, visible: Callable[[], int]) -> int | None:
    """Return how many different records the peer may be told of in an epoch, None: no limit."""
    limits = [] if grant.records_per_epoch is None else [grant.records_per_epoch]
    if grant.share_per_epoch is not None:
        limits.append(visible() * grant.share_per_epoch // 1000)
    return min(limits, default=None)


def _at_most(most: int, granted: int | None) -> int:
    return most if granted is None else min(granted, most)
