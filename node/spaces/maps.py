"""One member's maps into a shared space and out of it, fitted on the anchors.

Into the space: what a member asks with, and what its documents are scored by. Out of it: how the
others' questions reach its collections. One map of each kind is kept, because which pair of kinds
is best depends on who asks whom (`pairs.py`). Into the space they are affine, so that documents can
be scored without keeping mapped copies.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adapters.affine import AffineMap
from adapters.choose import AFFINE_FITS, question_candidates
from adapters.errors import FitRefused
from adapters.map import Floats, Map
from adapters.quality import HeldOut, known_item_values
from node.spaces.anchor_set import AnchorSet
from node.spaces.embedding_file import AnchorEmbeddings
from node.spaces.errors import EmbeddingsRefused
from node.spaces.manifest import Positions, SpaceManifest
from protocol.envelope import Envelope

MAX_QUESTIONS = 1000
"""Held-out anchors asked for at most; 500 choose nearly as well as any number."""

MAX_DOCUMENTS = 5000
"""Documents that a held-out anchor is looked for among, at most."""

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Ground:
    """What all maps of a shared space stand on: manifest, anchors, and their positions."""

    manifest: SpaceManifest
    anchors: AnchorSet
    positions: Positions

    @property
    def hub(self) -> str:
        """The shared space's id."""
        return self.manifest.envelope.space_id


@dataclass(frozen=True, eq=False)
class Party:
    """One member with its maps by kind: into the shared space, and out of it."""

    embeddings: AnchorEmbeddings
    inward: dict[str, AffineMap]
    outward: dict[str, Map]


def fit_inward(
    ground: Ground, member: AnchorEmbeddings, kinds: Iterable[str] = AFFINE_FITS
) -> dict[str, AffineMap]:
    """Fit the maps native -> shared, by kind. Raises EmbeddingsRefused."""
    native, shared = _fit_pairs(ground, member)
    with _refusing(member):
        return {
            kind: AFFINE_FITS[kind](native, shared, member.space_id, ground.hub) for kind in kinds
        }


def fit_outward(
    ground: Ground,
    member: AnchorEmbeddings,
    askers: Sequence[tuple[AnchorEmbeddings, dict[str, AffineMap]]],
) -> dict[str, Map]:
    """Fit the maps shared -> native, by kind; askers' known items choose the share of the mean.

    Raises EmbeddingsRefused.
    """
    native, shared = _fit_pairs(ground, member)
    unit = member.envelope.normalisation == "l2"
    with _refusing(member):
        tried = question_candidates(shared, native, ground.hub, member.space_id, unit=unit)
    shares: dict[str, list[Map]] = {}
    for each in tried:
        shares.setdefault(each.kind, []).append(each)
    return {
        kind: several[0]
        if len(several) == 1
        else max(several, key=lambda out: mean_mrr(ground, askers, member, out))
        for kind, several in shares.items()
    }


def mean_mrr(
    ground: Ground,
    askers: Sequence[tuple[AnchorEmbeddings, dict[str, AffineMap]]],
    member: AnchorEmbeddings,
    out: Map,
) -> float:
    """Return MRR of validation anchors through `out`, on average over askers' best maps in."""
    best = []
    for asker, inward in askers:
        part = held_out(ground, ground.anchors.split.validation, asker, member)
        best.append(max(float(known_item_values((m, out), part).mean()) for m in inward.values()))
    return float(np.mean(best))


def held_out(
    ground: Ground, part: Rows, asker: AnchorEmbeddings, responder: AnchorEmbeddings
) -> HeldOut:
    """Return anchors of one part as seen by both, with documents of the fit part to mistake.

    Raises:
        EmbeddingsRefused: both models make something of no anchor of the part.
    """
    both = asker.usable & responder.usable
    asked = part[both[part]][:MAX_QUESTIONS]
    if not len(asked):
        raise EmbeddingsRefused(
            f"no held-out anchor is embedded by both {asker.organisation} and "
            f"{responder.organisation}",
            fix="Use a larger anchor set.",
        )
    fit = ground.anchors.split.fit
    rows = np.concatenate([asked, fit[both[fit]]])[:MAX_DOCUMENTS]
    return HeldOut(
        asker.query[asked],
        comparable(asker.document[rows], asker.envelope),
        comparable(responder.query[asked], responder.envelope),
        comparable(responder.document[rows], responder.envelope),
    )


def scored_by(part: HeldOut, inward: AffineMap) -> HeldOut:
    """Return a part with the responder's side mapped to where its documents are scored."""
    return HeldOut(
        part.source_questions,
        part.source_documents,
        inward.apply(part.target_questions),
        inward.apply(part.target_documents),
    )


def comparable(rows: Floats, envelope: Envelope) -> Floats:
    """Return rows (n, d) whose dot products rank as the space's similarity does."""
    if envelope.normalisation == "l2" or envelope.similarity == "dot":
        return rows
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, np.finfo(np.float32).tiny), dtype=np.float32)


def _fit_pairs(ground: Ground, member: AnchorEmbeddings) -> tuple[Floats, Floats]:
    """Return the member's document views and their positions in the shared space."""
    usable = member.usable[ground.positions.rows]
    return (
        member.document[ground.positions.rows[usable]],
        ground.positions.positions[usable],
    )


@contextmanager
def _refusing(member: AnchorEmbeddings) -> Iterator[None]:
    """Say whose anchors carry no map."""
    try:
        yield
    except FitRefused as error:
        raise EmbeddingsRefused(
            f"no map can be fitted for {member.organisation}: {error}",
            fix="Check that member's embeddings, and that the anchor set is large enough.",
        ) from None
