"""An epoch is the period in which references stay linkable and scored disclosures are counted.

Numbered from 1970-01-01 UTC, so that it needs no stored state and never goes back while the clock
does not. A long epoch limits how often a counter starts anew; a short one unlinks references
sooner. Half a year is the compromise, and it is a constant because two epochs of different length
under one number would repeat a reference.
"""

EPOCH_S = 182 * 86_400
"""Length of an epoch in seconds (26 weeks)."""

DAY_S = 86_400
"""Length of the day over which query budgets are counted, in seconds (UTC)."""


def epoch_of(at: int) -> int:
    """Return the number of the epoch that holds `at` (epoch seconds, UTC)."""
    return at // EPOCH_S


def day_of(at: int) -> int:
    """Return the number of the UTC day that holds `at` (epoch seconds, UTC)."""
    return at // DAY_S
