"""Why vectors of one space do not fit where they are wanted, in words for the person who asked.

The rule of this file: a refusal names the fields in which two envelopes differ, with both values,
so that it can be told from it whether a shared space, another encoder or a setting is the answer.
Both sides' envelopes are public (they stand in cards and in the question itself).
"""

from collections.abc import Iterable

from protocol.envelope import Envelope
from protocol.verdict import compare

SHOWN = 4
"""Differing fields that are named; two unrelated models differ in most of them."""


def differences(question: Envelope, wanted: Iterable[Envelope]) -> str:
    """Say how `question` differs from the nearest of the `wanted` spaces; empty where it is one.

    In the text, *there* is the question and *here* is where it is wanted.
    """
    verdicts = [compare(question, each) for each in wanted]
    if not verdicts or any(verdict.kind == "same" for verdict in verdicts):
        return ""
    nearest = min((verdict.reasons for verdict in verdicts), key=len)
    named = "; ".join(nearest[:SHOWN])
    more = f"; and {len(nearest) - SHOWN} more" if len(nearest) > SHOWN else ""
    return f"there the question, here the collection: {named}{more}"
