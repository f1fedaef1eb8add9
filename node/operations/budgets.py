"""Operations on what partners have used of their grants: budget show and reset, exposure show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from node.federation.epochs import EPOCH_S, epoch_of
from node.operations.caller import caller
from node.operations.errors import NotFound
from node.operations.registry import Progress, operation
from protocol.notation import CollectionName, Organisation

if TYPE_CHECKING:
    from node.node import Node
    from node.policy.grants import Grant


class OfPeer(BaseModel, extra="forbid"):
    """One partner, or all of them."""

    peer: Organisation | None = None


class ResetBudget(BaseModel, extra="forbid"):
    """What to forget: what this partner has used of one collection, or of all."""

    peer: Organisation
    collection: CollectionName | None = None


ALL_RECORDS = 2**53
"""Stands for every record there is: what was told is lost with a log."""


class BudgetRow(BaseModel):
    """One grant's budgets; `records_limit` counts the share of today's visible documents too.

    `records` is the number of different records of which the partner was told in this epoch, or
    `ALL_RECORDS` where a log was lost and nobody knows.
    """

    peer: str
    collection: str
    purposes: tuple[str, ...]
    queries_per_day: int
    queries_left: int
    near_duplicates_per_day: int
    records: int
    records_limit: int | None
    exposure_quarters: int | None


class Budgets(BaseModel):
    """The budgets of every grant in force; `epoch_ends` is its first second afterwards, UTC."""

    epoch: int
    epoch_ends: int
    budgets: tuple[BudgetRow, ...]


class ExposureRow(BaseModel):
    """What one partner was told of one collection in this epoch.

    `answers` is the sum over the records, `most` what the record has that was told of most often;
    `documents` is the size of the collection now, None where it is gone.
    """

    peer: str
    collection: str
    records: int
    answers: int
    most: int
    documents: int | None


class ExposureShown(BaseModel):
    """What partners were told in this epoch."""

    epoch: int
    epoch_ends: int
    exposures: tuple[ExposureRow, ...]


class BudgetWasReset(BaseModel):
    """What was forgotten, and the leaf that says so."""

    peer: str
    collection: str | None
    leaf: int


@operation("budget.show", role="auditor")
async def show(node: Node, request: OfPeer, progress: Progress) -> Budgets:
    """Show what is left of every grant's budgets."""
    del progress
    _known(node, request.peer)
    epoch = epoch_of(node.clock())
    grants = [g for g in node.policy.current.grants if request.peer in (None, g.peer)]
    rows = [row for grant in grants if (row := _budget(node, grant)) is not None]
    return Budgets(epoch=epoch, epoch_ends=(epoch + 1) * EPOCH_S, budgets=tuple(rows))


@operation("budget.reset")
async def reset(node: Node, request: ResetBudget, progress: Progress) -> BudgetWasReset:
    """Forget what a partner has used of its budgets, by a leaf of its own."""
    del progress
    _known(node, request.peer)
    _known_collection(node, request.collection)
    at = node.clock()
    receipt = await node.ledgers.reset(request.peer, request.collection, caller(), at)
    return BudgetWasReset(peer=request.peer, collection=request.collection, leaf=receipt.index)


@operation("exposure.show", role="auditor")
async def exposure(node: Node, request: OfPeer, progress: Progress) -> ExposureShown:
    """Show of how many records partners were told in this epoch, and how often."""
    del progress
    _known(node, request.peer)
    epoch = epoch_of(node.clock())
    rows = node.log.exposed_records(request.peer, epoch)
    sizes = {collection.name: collection.documents for collection in node.collections.all()}
    return ExposureShown(
        epoch=epoch,
        epoch_ends=(epoch + 1) * EPOCH_S,
        exposures=tuple(
            ExposureRow(
                peer=peer,
                collection=collection,
                records=records,
                answers=answers,
                most=most,
                documents=sizes.get(collection),
            )
            for peer, collection, records, answers, most in rows
        ),
    )


def _budget(node: Node, grant: Grant) -> BudgetRow | None:
    """A grant's row; None where its collection does not exist (yet)."""
    from node.collections.errors import UnknownCollection
    from node.federation.record_limits import records_limit

    at = node.clock()
    try:
        collection = node.collections.get(grant.collection)
    except UnknownCollection:
        return None
    return BudgetRow(
        peer=grant.peer,
        collection=grant.collection,
        purposes=grant.purposes,
        queries_per_day=grant.queries_per_day,
        queries_left=node.ledgers.queries_left(grant, at),
        near_duplicates_per_day=grant.near_duplicates_per_day,
        records=node.ledgers.records_told(grant, at),
        records_limit=records_limit(grant, lambda: collection.count_visible(grant.visible)),
        exposure_quarters=node.ledgers.exposure_quarters(grant, collection, at),
    )


def _known_collection(node: Node, collection: str | None) -> None:
    """A misspelt name must not look like a budget that starts over."""
    known = {each.name for each in node.collections.all()}
    known |= {grant.collection for grant in node.policy.current.grants}
    if collection is not None and collection not in known:
        raise NotFound(
            f"There is no collection {collection}, and no grant names it.",
            fix="`interlingua budget show` shows the collections that have budgets.",
            code="collection-unknown",
        )


def _known(node: Node, peer: str | None) -> None:
    """A misspelt name must not look like a partner that has used nothing."""
    granted = any(grant.peer == peer for grant in node.policy.current.grants)
    if peer is not None and not granted and node.peers.find(peer) is None:
        raise NotFound(
            f"{peer} is no partner and has no grant.",
            fix="`interlingua peer list` shows the partners, `interlingua policy show` the grants.",
            code="peer-unknown",
        )
