"""What a new encoder's model has in common with models that are known: said, and left to a person.

The rule of this file: only what a person may want to act on is told. That is one model under
another name, whose space could be shared, and another model under the same name, which somebody may
take for the same. Where nothing but rounding differs, the space id was adopted already.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from node.encoders.errors import EncoderMisconfigured
from protocol.envelope import Envelope
from protocol.probe import likeness
from protocol.verdict import compare

Kind = Literal["shared", "same-model", "same-name"]

MIN_ID_CHARS = 8
"""Characters of a space id that must be given, so that nobody meets another by a slip."""


@dataclass(frozen=True)
class Known:
    """A space, and who has it: `this node`, or a partner's name."""

    holder: str
    envelope: Envelope


@dataclass(frozen=True)
class Likeness:
    """A known space that a new encoder's model resembles, by sketch or by name.

    `shared`: they are one space now. `same-model`: one model under two names. `same-name`: the
    names are equal and the vectors are not. `apart` is the distance of the sketches, in `words`
    too.
    """

    kind: Kind
    holder: str
    space: str
    model: str
    apart: float
    words: str
    reasons: tuple[str, ...]


def likenesses(own: Envelope, known: Iterable[Known]) -> tuple[Likeness, ...]:
    """Return what is worth telling of the known spaces, each space once, the nearest first."""
    found: dict[str, Likeness] = {}
    for each in known:
        verdict = compare(own, each.envelope)
        if verdict.apart is None or each.envelope.space_id in found:
            continue
        kind: Kind
        if verdict.kind == "same":
            kind = "shared"
        elif verdict.recognised:
            kind = "same-model"
        elif _named_alike(own, each.envelope) and not _cut(own, each.envelope):
            kind = "same-name"
        else:
            continue
        found[each.envelope.space_id] = Likeness(
            kind=kind,
            holder=each.holder,
            space=each.envelope.space_id,
            model=each.envelope.model,
            apart=round(verdict.apart, 4),
            words=likeness(verdict.apart),
            reasons=verdict.reasons,
        )
    return tuple(sorted(found.values(), key=lambda one: one.apart))


def _named_alike(one: Envelope, other: Envelope) -> bool:
    return (one.provider, one.model) == (other.provider, other.model)


def _cut(one: Envelope, other: Envelope) -> bool:
    """Whether one says that it is the other cut shorter: then it is meant to lie apart."""
    return one.truncated_from == other.dimension or other.truncated_from == one.dimension


def find_space(wanted: str, known: Sequence[Known]) -> Envelope:
    """Return the known envelope with this space id, or the beginning of one.

    Raises EncoderMisconfigured where none or several have it.
    """
    plain = wanted.removeprefix("sha256:")
    found = {
        each.envelope.space_id: each.envelope
        for each in known
        if len(plain) >= MIN_ID_CHARS
        and each.envelope.space_id.removeprefix("sha256:").startswith(plain)
    }
    if len(found) != 1:
        raise EncoderMisconfigured(
            f"{'no' if not found else 'more than one'} space that is known here begins with "
            f"{wanted}",
            fix=(
                "Give the id of a space on a partner's card, as `interlingua partners` and "
                f"`interlingua encoder add` show it; at least {MIN_ID_CHARS} characters of it."
            ),
        )
    return next(iter(found.values()))
