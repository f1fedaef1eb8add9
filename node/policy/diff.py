"""What would change if a set of grants came into force, grant by grant and field by field."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from node.policy.grants import Grant
from node.policy.policy import Policy


class Change(BaseModel):
    """One grant that appears, disappears or changes; `fields` maps a field to (before, after)."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["added", "removed", "changed"]
    peer: str
    collection: str
    purposes: tuple[str, ...]
    fields: dict[str, tuple[Any, Any]] = {}


def difference(before: Policy, after: Policy) -> list[Change]:
    """Return the changes from `before` to `after`, ordered by peer and collection.

    Two grants of the same peer and collection are taken for one that changed when they share a
    purpose.
    """
    old, new = list(before.grants), list(after.grants)
    changes = []
    for grant in new:
        match = _counterpart(grant, old)
        if match is None:
            changes.append(_change("added", grant))
            continue
        old.remove(match)
        if match != grant:
            changes.append(_changed(match, grant))
    changes += [_change("removed", grant) for grant in old]
    return sorted(changes, key=lambda c: (c.peer, c.collection, c.purposes))


def _counterpart(grant: Grant, others: Sequence[Grant]) -> Grant | None:
    same = [o for o in others if (o.peer, o.collection) == (grant.peer, grant.collection)]
    return next((o for o in same if set(o.purposes) & set(grant.purposes)), None)


def _change(kind: Literal["added", "removed"], grant: Grant) -> Change:
    return Change(kind=kind, peer=grant.peer, collection=grant.collection, purposes=grant.purposes)


def _changed(before: Grant, after: Grant) -> Change:
    old, new = before.plain(), after.plain()
    fields = {name: (old[name], new[name]) for name in new if old[name] != new[name]}
    return Change(
        kind="changed",
        peer=after.peer,
        collection=after.collection,
        purposes=after.purposes,
        fields=fields,
    )
