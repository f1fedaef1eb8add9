"""Operations that change a collection's model: migrate, cutover, rollback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field

from node.operations.partner_routes import CODE, PartnerRoutes, partner_routes
from node.operations.registry import Progress, operation
from node.operations.version_changes import (
    put_in_charge,
    reason,
    settle_state,
    state_of,
    switching,
    tell,
)

if TYPE_CHECKING:
    from node.collections.collection import Collection
    from node.collections.version import Version
    from node.encoders.encoder import Encoder
    from node.node import Node
    from node.operations.bridging import BridgeTo, EstimateBridge

FORCED_CHARS = 256  # of what a leaf says was overruled

NAMED = 20
"""Ids of documents that a message names at most."""


class Migrate(BaseModel, extra="forbid"):
    """Build a version of a collection by another encoder, and encode what it has no vectors of.

    `rate`: documents a second at most, 0 for any number. `leave_out`: begin although documents
    have no text; they will not be in the new version.
    """

    collection: str
    to: str
    rate: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    leave_out: bool = False


class Migrated(BaseModel):
    """A version after its job ended: how many documents it covers, and why not the others.

    `without_text` of them came as bare vectors; `refused` gives the cause by the document's id.
    """

    collection: str
    version: str
    state: str
    encoder: str
    documents: int
    covered: int
    without_text: int
    refused: dict[str, str]


class EstimateMigration(BaseModel, extra="forbid"):
    """A migration that is only estimated; `price` of a million tokens, in any currency."""

    collection: str
    to: str
    rate: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    price: Annotated[float, Field(ge=0)] | None = None


class MigrationEstimate(PartnerRoutes):
    """What a migration would take; measured by encoding `sample` documents, nothing was stored.

    `seconds` is for encoding all at the sample's speed, and not faster than the rate. `bytes` is
    what the vectors take in store.db, once more on disk for the index and once in memory.
    `partners`: what those lose or gain who ask through a shared space, once it answers.
    """

    collection: str
    encoder: str
    documents: int
    without_text: int
    unnamed: tuple[str, ...]
    sample: int
    chunks: int
    tokens: int
    seconds: float
    bytes: int
    cost: float | None


class SwitchVersion(BaseModel, extra="forbid"):
    """Let another version answer. `force` overrules what stands against it, and is logged."""

    collection: str
    version: str | None = None
    force: bool = False


class RolledBack(BaseModel, extra="forbid"):
    """The collection whose former version is to answer again."""

    collection: str


class Switched(BaseModel):
    """Which version answers now, and which one still answers what only it is reached by."""

    collection: str
    serving: str
    former: str | None
    encoder: str
    space: str
    forced: str | None = None


@operation("collection.estimate")
async def estimate(node: Node, request: EstimateMigration, progress: Progress) -> MigrationEstimate:
    """Estimate a migration by encoding a sample; nothing is stored."""
    from dataclasses import asdict

    from node.collections.estimate import estimate_migration

    collection, encoder = _collection(node, request.collection), target(node, request)
    found = await estimate_migration(node.store, collection, encoder, request.rate, progress)
    cost = None if request.price is None else found.tokens / 1e6 * request.price
    partners = await partner_routes(node, collection, encoder.envelope.space_id)
    return MigrationEstimate(
        collection=collection.name,
        encoder=encoder.name,
        cost=cost,
        **asdict(found),
        **dict(partners),
    )


@operation("collection.migrate")
async def migrate(node: Node, request: Migrate, progress: Progress) -> Migrated:
    """Build a version by another encoder, or go on with one; documents keep their references."""
    version = await begun(node, request)
    return await filled(node, request, version, progress)


async def begun(node: Node, request: Migrate) -> Version:
    """Return the version that is being built by the encoder; it is made where there is none."""
    collection, encoder = _collection(node, request.collection), target(node, request)
    version = _begun(collection, encoder.envelope.space_id)
    if version is None:
        _require_texts(node, collection, request.leave_out)
        version = await switching(node, collection).begin(encoder, request.rate, reason())
        await tell(node)
    return version


async def filled(node: Node, request: Migrate, version: Version, progress: Progress) -> Migrated:
    """Encode what a version has no vectors of, or wait until the running node has."""
    collection = _collection(node, request.collection)
    _ = node.log  # says which documents come first
    job = collection.backfill(version)
    job.rate = request.rate
    left = await (job.follow(progress) if node.serving else job.run(progress))
    await settle_state(node, collection, version)
    if not node.serving:
        await version.settle(progress)
    cover = version.coverage()
    return Migrated(
        collection=collection.name,
        version=version.name,
        state=state_of(node, version),
        encoder=version.encoder_name,
        documents=cover.documents,
        covered=cover.covered,
        without_text=left.without_text,
        refused=dict(list(left.refused.items())[:NAMED]),
    )


@operation("collection.cutover")
async def cutover(node: Node, request: SwitchVersion, progress: Progress) -> Switched:
    """Let a complete version answer from now on; the former one is kept."""
    del progress
    from node.operations.errors import Conflict
    from node.operations.judging import against, measured

    collection = _collection(node, request.collection)
    version = candidate(collection, request.version)
    missing = _against(version)
    worse = against(node, await measured(node, collection, version))
    partners = (await partner_routes(node, collection, version.space_id)).partners_against
    if worse is not None and not request.force:
        raise Conflict(
            f"{version.name} finds less than {collection.version} on the golden questions: "
            f"{worse}.",
            fix=f"See `interlingua collection judge {collection.name}`; --force overrules it.",
            code="below-the-bar",
        )
    if partners is not None and not request.force:
        raise Conflict(
            f"Through shared spaces partners find less by {version.name} than by "
            f"{collection.version}, on held-out anchors: {partners}.",
            fix=f"See `interlingua collection judge {collection.name}`; other anchors or another"
            " model may help (versions.worst_for_partners is the bar); --force overrules it.",
            code=CODE,
        )
    said = [*missing, *(one for one in (worse, partners) if one is not None)]
    forced = "; ".join(said)[:FORCED_CHARS] if request.force and said else None
    await put_in_charge(node, collection, version, reason(forced))
    return await _switched(node, collection, forced)


@operation("collection.rollback")
async def rollback(node: Node, request: RolledBack, progress: Progress) -> Switched:
    """Let the former version answer again."""
    del progress
    collection = _collection(node, request.collection)
    missing = _against(former) if (former := collection.standing.former) else []
    await switching(node, collection).roll_back(reason("; ".join(missing) or None))
    return await _switched(node, collection, "; ".join(missing) or None)


def _collection(node: Node, name: str) -> Collection:
    return node.collections.get(name)


def target(node: Node, request: Migrate | EstimateMigration | BridgeTo | EstimateBridge) -> Encoder:
    """The encoder to migrate to. Raises InvalidRequest where that is no migration."""
    from node.operations.errors import InvalidRequest

    encoder, serving = node.encoders.get(request.to), node.collections.get(request.collection)
    if encoder.envelope.space_id == serving.space_id:
        raise InvalidRequest(
            f"{serving.name} is in the space of encoder {encoder.name} already.",
            fix="Name an encoder of another model; `interlingua encoder list` shows them.",
        )
    if not encoder.takes_text:
        raise InvalidRequest(
            f"Encoder {encoder.name} stands for vectors that you compute, so this node cannot "
            "encode the documents with it.",
            fix=f"Name an encoder that runs a model, or give the vectors: interlingua collection "
            f"supply {serving.name} FILE --to {encoder.name}",
        )
    return encoder


def _begun(collection: Collection, space: str) -> Version | None:
    """The version in that space that is kept already."""
    kept = collection.standing.kept
    return next((version for version in kept if version.space_id == space), None)


def _require_texts(node: Node, collection: Collection, leave_out: bool) -> None:
    from node.operations.errors import Conflict
    from node.store import version_rows

    with node.store.read() as db:
        count, first = version_rows.without_text(db, collection.key, NAMED)
    if count and not leave_out:
        more = f" and {count - len(first)} more" if count > len(first) else ""
        raise Conflict(
            f"{count} documents have no text that could be encoded: {', '.join(first)}{more}.",
            fix="Ingest them again with their texts, delete them, or begin without them:"
            " --leave-out.",
            code="documents-without-text",
        )
    if not leave_out:
        _require_sources(node, collection)


def _require_sources(node: Node, collection: Collection) -> None:
    """Refuse to begin while texts that stay elsewhere cannot be read, as far as a look can tell."""
    from node.operations.errors import Conflict
    from node.store import version_rows

    with node.store.read() as db:
        looked = [
            (name, collection.sources.look(uri))
            for name, uri in version_rows.by_uri(db, collection.key)
        ]
    lost = [f"{name}: {cause}" for name, cause in looked if cause is not None]
    if lost:
        more = f"; and {len(lost) - 3} more" if len(lost) > 3 else ""
        raise Conflict(
            f"{len(lost)} documents have their texts where this node cannot read them: "
            f"{'; '.join(lost[:3])}{more}.",
            fix="Bring them back, permit them (sources.directories, sources.hosts), or begin"
            " without them: --leave-out.",
            code="sources-unreadable",
        )


def candidate(collection: Collection, name: str | None) -> Version:
    """The named version, or the only one that does not serve and is not the former one."""
    from node.operations.errors import InvalidRequest

    if name is not None:
        return collection.version_named(name)
    aside = collection.standing.aside
    if len(aside) != 1:
        if not aside:
            raise InvalidRequest(
                f"There is no new version of {collection.name}.",
                fix=f"`interlingua collection migrate {collection.name} --to ENCODER` builds one; "
                f"`interlingua catalog {collection.name}` shows those there are.",
            )
        raise InvalidRequest(
            f"{collection.name} has several new versions: {', '.join(one.name for one in aside)}.",
            fix=f"Name one with --version; `interlingua catalog {collection.name}` shows them.",
        )
    return aside[0]


def _against(version: Version) -> list[str]:
    missing = version.coverage().missing
    return [f"{missing} documents without vectors"] if missing else []


async def _switched(node: Node, collection: Collection, forced: str | None) -> Switched:
    await tell(node)
    now = collection.standing
    return Switched(
        collection=collection.name,
        serving=now.serving.name,
        former=None if now.former is None else now.former.name,
        encoder=now.serving.encoder_name,
        space=now.serving.space_id,
        forced=forced,
    )
