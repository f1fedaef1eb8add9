"""The operation that asks an old index by a new model at once, over a bridge.

The rule of this file: what a bridge loses is measured before it is used, on documents that it was
not learned from and on the golden questions where there are any; and it is told.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field

from node.federation.ask import FigureShown
from node.operations.migration import MigrationEstimate, target
from node.operations.registry import Progress, operation
from node.operations.version_changes import reason, switching, tell

if TYPE_CHECKING:
    from adapters.metrics import Estimate
    from node.collections.bridge import Bridge
    from node.collections.collection import Collection
    from node.encoders.encoder import Encoder
    from node.node import Node
    from node.store.bridge_rows import BridgeRow

WHY_CHARS = 256  # of a line in a leaf

Sampled = Annotated[int, Field(ge=80, le=100_000)]


class BridgeTo(BaseModel, extra="forbid"):
    """Ask a collection by another encoder at once. `sample`: documents that are encoded for it.

    `force` overrules that the bridge loses more than the bar, and is logged.
    """

    collection: str
    to: str
    sample: Sampled = 2000
    force: bool = False


class Bridged(BaseModel):
    """A bridge in use: questions of `encoder` are carried into the index of `version`.

    `figures` were measured on `held_out` documents of the collection that the map was not learned
    from: `agreement_10` is the share of the first ten that the index's own model finds too, `mrr`
    how well a document's own text finds it over the bridge, `native_mrr` how well by the index's
    own model. `golden` is nDCG@10 on the golden questions over the bridge, less the one without it.
    """

    collection: str
    version: str
    encoder: str
    adapter: str
    kind: str
    learned_from: int
    held_out: int
    figures: dict[str, FigureShown]
    golden: FigureShown | None
    forced: str | None = None


class EstimateBridge(BaseModel, extra="forbid"):
    """A bridge that is only estimated; `price` of a million tokens, in any currency."""

    collection: str
    to: str
    sample: Sampled = 2000
    price: Annotated[float, Field(ge=0)] | None = None


@operation("collection.estimate-bridge")
async def estimate_bridge(
    node: Node, request: EstimateBridge, progress: Progress
) -> MigrationEstimate:
    """Estimate what learning a bridge takes; nothing is stored."""
    from dataclasses import asdict

    from node.collections.estimate import estimate_migration

    collection, encoder = node.collections.get(request.collection), target(node, request)
    found = await estimate_migration(node.store, collection, encoder, 0, progress, request.sample)
    # a fifth of the texts judges, and is encoded as questions too
    told = asdict(found) | {"tokens": round(found.tokens * 1.2), "seconds": found.seconds * 1.2}
    cost = None if request.price is None else told["tokens"] / 1e6 * request.price
    return MigrationEstimate(
        collection=collection.name, encoder=encoder.name, cost=cost, **(told | {"bytes": 0})
    )


@operation("collection.bridge")
async def bridge(node: Node, request: BridgeTo, progress: Progress) -> Bridged:
    """Ask a collection by a new model today, over a map that is learned from its documents."""
    from node.collections.course import Course
    from node.operations.errors import Conflict
    from node.operations.strategies import new_course, require_free

    collection, encoder = node.collections.get(request.collection), target(node, request)
    require_free(collection, "bridge", encoder)
    serving = collection.serving
    rows, found = await _learned(node, collection, encoder, request.sample, progress)
    golden, against = await _measured(node, collection, encoder, found)
    if against is not None and not request.force:
        raise Conflict(
            f"Over the bridge {serving.name} finds less on the golden questions: {against}.",
            fix="Learn it from more documents (--sample), build a version by the new model instead"
            " (`interlingua collection migrate`), or overrule it with --force.",
            code="below-the-bar",
        )
    row = new_course(node, collection, "bridge", serving, encoder.name)
    course = Course(row, serving, encoder.envelope.space_id)
    figures = ", ".join(f"{name} {one.value:.3f}" for name, one in found.card.figures.items())
    why = f"{found.adapter} by {encoder.name}: {figures}"[:WHY_CHARS]
    told = replace(reason(against), why=why)
    await switching(node, collection).set_course("bridge", course, told, rows)
    await tell(node)
    return Bridged(
        collection=collection.name,
        version=serving.name,
        encoder=encoder.name,
        adapter=found.adapter,
        kind=found.forth.kind,
        learned_from=found.card.fitted_on,
        held_out=found.card.held_out,
        figures=_figures(found),
        golden=None if golden is None else _shown(golden),
        forced=against,
    )


async def _learned(
    node: Node, collection: Collection, encoder: Encoder, count: int, progress: Progress
) -> tuple[tuple[BridgeRow, BridgeRow], Bridge]:
    """Encode a sample, and fit the maps there and back."""
    import asyncio

    from adapters.errors import AdapterError
    from node.collections.bridge import fit_both_ways, opened
    from node.collections.bridge_sample import sample_by
    from node.operations.errors import Conflict

    serving = collection.serving
    sources = collection.sources
    sample = await sample_by(node.store, sources, serving, encoder, count, progress)
    progress(0, None, "maps fitted")
    ends = encoder.envelope, serving.envelope
    try:
        rows = await asyncio.to_thread(fit_both_ways, collection.key, sample, *ends)
    except AdapterError as error:
        raise Conflict(
            f"No map can be learned from {encoder.name} to {serving.encoder_name}: {error}.",
            fix="Check both encoders (`interlingua encoder test`), or learn from more documents.",
            code="no-bridge",
        ) from None
    return rows, next(one for one in opened(rows) if one.target == serving.space_id)


async def _measured(
    node: Node, collection: Collection, encoder: Encoder, found: Bridge
) -> tuple[Estimate | None, str | None]:
    """What the golden questions say: the difference, and what stands against it."""
    from node.collections.finding import over
    from node.collections.judging import GATED, compare
    from node.encoders.errors import EncoderError
    from node.operations.judging import against
    from node.store import golden_rows

    with node.store.read() as db:
        questions = golden_rows.of_collection(db, collection.key)
    if not questions:
        return None, None
    try:
        compared = await compare(collection, over(collection.serving, encoder, found), questions)
    except EncoderError as error:
        # perhaps the old model is the reason for the bridge; that needs somebody's word
        return None, f"not measured: {error}"[:WHY_CHARS]
    return compared.difference[GATED], against(node, compared)


def _figures(found: Bridge) -> dict[str, FigureShown]:
    named = {
        ("agreement_10" if name == "overlap_10" else name): one
        for name, one in found.card.figures.items()
    }
    named["native_mrr"] = found.card.natives["target"]
    return {name: _shown(one) for name, one in named.items()}


def _shown(one: Estimate) -> FigureShown:
    return FigureShown(value=one.value, low=one.low, high=one.high)
