"""Whether two vectors may be compared: the same space, adaptable, or incompatible, and why.

The rule of this file: `same` is equality of space ids and nothing weaker; `adaptable` names the
adapter that a card offers; every other pair is `incompatible`, with one reason per differing field
that names both values, so that a person can see what to change. A sketch tells distances, not
directions: one model under two names is *recognised*, and still two spaces until a person says that
they are one (by adding the encoder with the other's envelope), because turning all vectors of a
model alike changes no sketch.
"""

from collections.abc import Iterable
from typing import Any, Literal

from protocol.card import Route
from protocol.envelope import SPACE_FIELDS, Envelope
from protocol.notation import Digest, WireModel, from_base64url
from protocol.probe import TOLERANCE, distance, likeness

Kind = Literal["same", "adaptable", "incompatible"]


MEASURED_BY_THE_SKETCH = frozenset(
    {"provider", "model", "revision", "pooling", "quantisation", "truncated_from", "probe"}
)
"""Fields that two names of one model may give otherwise; the sketch measures what they mean."""


class Verdict(WireModel):
    """What `compare` found: kind, reasons (text for people), and the adapter where adaptable.

    `apart` is the distance of the two probe sketches, None where one has none. `recognised`: they
    are one model's by their sketches, and all that differs beside them is what somebody named it.
    """

    kind: Kind
    reasons: tuple[str, ...] = ()
    adapter: Digest | None = None
    apart: float | None = None
    recognised: bool = False


def compare(theirs: Envelope, mine: Envelope, routes: Iterable[Route] = ()) -> Verdict:
    """Judge whether a vector of `theirs` can be used in the space of `mine`.

    `routes` are those of the card that owns `mine`, best first; the first that leads from the one
    space into the other is named. Reasons are given for adaptable and incompatible pairs alike.
    """
    apart = _apart(theirs, mine)
    if theirs.space_id == mine.space_id:
        return Verdict(kind="same", apart=apart)
    differing = _differing(theirs, mine)
    alike = apart is not None and apart <= TOLERANCE and differing <= MEASURED_BY_THE_SKETCH
    measured: dict[str, Any] = {
        "reasons": _reasons(theirs, mine, apart, recognised=alike),
        "apart": apart,
        "recognised": alike,
    }
    for route in routes:
        if (route.space, route.into) == (theirs.space_id, mine.space_id):
            return Verdict(kind="adaptable", adapter=route.adapter, **measured)
    return Verdict(kind="incompatible", **measured)


def _apart(theirs: Envelope, mine: Envelope) -> float | None:
    if theirs.probe is None or mine.probe is None:
        return None
    return distance(from_base64url(theirs.probe), from_base64url(mine.probe))


def _differing(theirs: Envelope, mine: Envelope) -> frozenset[str]:
    return frozenset(name for name in SPACE_FIELDS if getattr(theirs, name) != getattr(mine, name))


def _reasons(
    theirs: Envelope, mine: Envelope, apart: float | None, *, recognised: bool
) -> tuple[str, ...]:
    a, b = theirs.space_fields, mine.space_fields
    named = [name for name in SPACE_FIELDS if a[name] != b[name] and name != "probe"]
    reasons = [_reason(name, a[name], b[name]) for name in named]
    if apart is not None:
        reasons.append(_measured(apart, recognised=recognised, named=bool(named)))
    elif theirs.probe != mine.probe:
        there, here = ("none" if e.probe is None else "a sketch" for e in (theirs, mine))
        reasons.append(f"probe: {there} there, {here} here")
    return tuple(reasons)


def _reason(name: str, theirs: Any, mine: Any) -> str:
    if name == "prompts":
        roles = [role for role in ("query", "document") if theirs[role] != mine[role]]
        return "prompts: " + ", ".join(f"{r} {theirs[r]} there, {mine[r]} here" for r in roles)
    return f"{name}: {_shown(theirs)} there, {_shown(mine)} here"


def _measured(apart: float, *, recognised: bool, named: bool) -> str:
    said = f"probe: the sketches lie {apart:.4f} apart (tolerance {TOLERANCE}), {likeness(apart)}"
    if apart > TOLERANCE:
        return f"{said}, so the vectors are another model's"
    if not recognised:
        return said
    if named:
        return f"{said}: one model under two names; take over the other's envelope to share its id"
    return f"{said}; adopt the known sketch to share its space id"


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)
