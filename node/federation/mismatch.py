"""Why vectors of one space do not fit where they are wanted, in words for the person who asked.

The rule of this file: a refusal names the fields in which two envelopes differ, with both values,
so that it can be told from it whether a shared space, another encoder or a setting is the answer.
Both sides' envelopes are public (they stand in cards and in the question itself).
"""

from collections.abc import Iterable, Sequence

from protocol.card import Card
from protocol.envelope import Envelope
from protocol.notation import is_name
from protocol.verdict import Verdict, compare

SHOWN = 4
"""Differing names that are told; two unrelated models differ in most of them. What the sketches
measure is always told."""


def differences(question: Envelope, wanted: Iterable[Envelope]) -> str:
    """Say how `question` differs from the nearest of the `wanted` spaces; empty where it is one.

    In the text, *there* is the question and *here* is where it is wanted.
    """
    verdicts = [compare(question, each) for each in wanted]
    if not verdicts or any(verdict.kind == "same" for verdict in verdicts):
        return ""
    nearest = min(verdicts, key=_distance)
    measured = [reason for reason in nearest.reasons if reason.startswith("probe: ")]
    named = [reason for reason in nearest.reasons if reason not in measured]
    more = [f"and {len(named) - SHOWN} more"] if len(named) > SHOWN else []
    told = "; ".join(named[:SHOWN] + more + measured)
    return f"there the question, here the collection: {told}"


def way_out(own: Envelope, wanted: Sequence[Envelope], card: Card) -> str:
    """Say what would lead questions of `own` into one of the `wanted` spaces of a card's owner."""
    for each in wanted:
        if compare(own, each).recognised:
            return f"It is the same model: interlingua encoder add NAME --as {each.space_id}"
    ids = {each.space_id for each in wanted}
    for route in card.routes:
        shared = card.by_space.get(route.space)
        # a partner writes its card: what is no name of a space has no place in a command
        if route.into in ids and shared is not None and is_name(shared.model):
            return (
                f"{card.organisation} answers through the shared space {shared.model}: "
                f"interlingua space join {shared.model}.space.json --encoder ENCODER"
            )
    return (
        f"Found a shared space with {card.organisation} (interlingua space create; "
        "docs/shared-space.md), or add an encoder with its model."
    )


def _distance(verdict: Verdict) -> tuple[bool, int, float]:
    """Order verdicts: a model that is recognised first, then by differing fields, then sketches."""
    apart = 2.0 if verdict.apart is None else verdict.apart
    return not verdict.recognised, len(verdict.reasons), apart
