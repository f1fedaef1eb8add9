"""The operation that gives up a version, and who would get no answers after it.

The rule of this file: the version before a cutover answers only what the serving one cannot be
reached by, so whoever it answered since then depends on it, unless a way has come meanwhile.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pydantic import BaseModel

from node.operations.registry import Progress, operation

if TYPE_CHECKING:
    from node.collections.collection import Collection
    from node.collections.version import Version
    from node.node import Node

DAYS = 7
"""Questions of so many days count."""

LINE_CHARS = 256


class RetireVersion(BaseModel, extra="forbid"):
    """One version of a collection; `force`: although partners depend on it, which is logged."""

    collection: str
    version: str
    force: bool = False


class Retired(BaseModel):
    """A version whose vectors and files are gone. `forced`: the partners that depended on it.

    `brought_on`: what is asked in its space is carried on over a bridge, by which so large a share
    of the first ten is the serving version's own; None where nothing leads on.
    """

    collection: str
    version: str
    encoder: str
    forced: str | None = None
    brought_on: float | None = None


@operation("collection.retire")
async def retire(node: Node, request: RetireVersion, progress: Progress) -> Retired:
    """Delete the vectors and index files of a version that does not serve."""
    import asyncio

    from node.collections.switching import Reason
    from node.federation.event_leaves import switch_appender
    from node.operations.caller import caller
    from node.operations.errors import Conflict

    collection = node.collections.get(request.collection)
    version = collection.version_named(request.version)
    progress(0, None, "who asks it")
    depend = await asyncio.to_thread(_dependents, node, collection, version)
    told = ", ".join(f"{peer} ({count} questions)" for peer, count in depend.most_common())
    brought = _brought_on(collection, version)
    if told and not request.force:
        instead = "nothing" if brought is None else f"answers over a bridge, {brought:.2f} the same"
        raise Conflict(
            f"Only {version.name} could answer what these asked in the last {DAYS} days: {told}. "
            f"Without it they get {instead}.",
            fix="Let them join a shared space with a way to the new model, or ask by it; --force"
            " retires it all the same.",
            code="partners-depend",
        )
    forced = f"asked only by it: {told}"[:LINE_CHARS] if told else None
    switching = collection.switching(switch_appender(node.log))
    await switching.retire(version, Reason(caller(), forced))
    if node.serving:
        node.card.current()
    return Retired(
        collection=collection.name,
        version=version.name,
        encoder=version.encoder_name,
        forced=forced,
        brought_on=brought,
    )


def _brought_on(collection: Collection, version: Version) -> float | None:
    """The agreement over the bridge from a version's space to the serving one, if there is one."""
    standing = collection.standing
    ends = (version.space_id, standing.serving.space_id)
    bridge = next((one for one in standing.bridges if (one.source, one.target) == ends), None)
    return None if bridge is None else bridge.card.figures["overlap_10"].value


def _dependents(node: Node, collection: Collection, version: Version) -> Counter[str]:
    """Count by partner the questions of the last days that no other version could answer."""
    from node.audit.answered_by import answered_by
    from node.store import switch_rows

    standing = collection.standing
    if version is not standing.former:
        return Counter()
    with node.store.read() as db:
        events = switch_rows.of_collection(db, collection.key)
    (*_, since) = (one.at for one in events if one.event == "cutover")
    since = max(since, node.clock() - DAYS * 86_400)
    reached = {standing.serving.space_id, *node.routes.accepted(standing.serving.space_id)}
    found: Counter[str] = Counter()
    counted = answered_by(node.log.path, collection.name, version.name, since)
    for (peer, space), count in counted.items():
        if space not in reached:
            found[peer] += count
    return found
