"""Whether two vectors may be compared: the same space, adaptable, or incompatible, and why.

The rule of this file: `same` is equality of space ids and nothing weaker; `adaptable` names the
adapter that a card offers; every other pair is `incompatible`, with one reason per differing field
that names both values, so that a person can see what to change.
"""

from collections.abc import Iterable
from typing import Any, Literal

from protocol.card import Route
from protocol.envelope import SPACE_FIELDS, Envelope
from protocol.notation import Digest, WireModel, from_base64url
from protocol.probe import TOLERANCE, distance

Kind = Literal["same", "adaptable", "incompatible"]


class Verdict(WireModel):
    """What `compare` found: kind, reasons (text for people), and the adapter where adaptable."""

    kind: Kind
    reasons: tuple[str, ...] = ()
    adapter: Digest | None = None


def compare(theirs: Envelope, mine: Envelope, routes: Iterable[Route] = ()) -> Verdict:
    """Judge whether a vector of `theirs` can be used in the space of `mine`.

    `routes` are those of the card that owns `mine`, best first; the first that leads from the one
    space into the other is named. Reasons are given for adaptable and incompatible pairs alike.
    """
    if theirs.space_id == mine.space_id:
        return Verdict(kind="same")
    reasons = _reasons(theirs, mine)
    for route in routes:
        if (route.space, route.into) == (theirs.space_id, mine.space_id):
            return Verdict(kind="adaptable", reasons=reasons, adapter=route.adapter)
    return Verdict(kind="incompatible", reasons=reasons)


def _reasons(theirs: Envelope, mine: Envelope) -> tuple[str, ...]:
    a, b = theirs.space_fields, mine.space_fields
    differing = [name for name in SPACE_FIELDS if a[name] != b[name]]
    return tuple(_reason(name, a[name], b[name], alone=len(differing) == 1) for name in differing)


def _reason(name: str, theirs: Any, mine: Any, *, alone: bool) -> str:
    if name == "prompts":
        roles = [role for role in ("query", "document") if theirs[role] != mine[role]]
        return "prompts: " + ", ".join(f"{r} {theirs[r]} there, {mine[r]} here" for r in roles)
    if name == "probe":
        return _probe_reason(theirs, mine, alone=alone)
    return f"{name}: {_shown(theirs)} there, {_shown(mine)} here"


def _probe_reason(theirs: str | None, mine: str | None, *, alone: bool) -> str:
    if theirs is None or mine is None:
        return f"probe: {'none' if theirs is None else 'a sketch'} there, " + (
            "none here" if mine is None else "a sketch here"
        )
    apart = distance(from_base64url(theirs), from_base64url(mine))
    measured = f"probe: the sketches lie {apart:.4f} apart (tolerance {TOLERANCE})"
    if apart > TOLERANCE:
        return f"{measured}, so the vectors are another model's"
    return f"{measured}; adopt the known sketch to share its space id" if alone else measured


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)
