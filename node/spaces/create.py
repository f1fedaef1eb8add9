"""Making a shared space from its founders' anchor embeddings, and making it again to check it.

The rule of this file: the consensus rests on the document views of the fit part only, so that the
anchors that choose and measure maps have no share in the space that they judge.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from adapters.consensus import Consensus, consensus, shift_between
from adapters.consensus_method import USUAL_METHOD, Method
from adapters.errors import FitRefused
from node.spaces.anchor_set import AnchorSet
from node.spaces.embedding_file import AnchorEmbeddings
from node.spaces.errors import EmbeddingsRefused, ManifestRefused
from node.spaces.manifest import Founder, Positions, SpaceManifest

SAME_CONSENSUS = 1e-3
"""Largest mean of 1 - cosine between two computations of one consensus on different machines."""

SAME_SPACE = 0.05
"""Largest mean of 1 - cosine between two members' vectors of the same texts in one space."""


def create_space(
    name: str,
    author: str,
    anchors: AnchorSet,
    founders: Sequence[AnchorEmbeddings],
    threshold: int,
    at: int,
    method: Method = USUAL_METHOD,
    replaces: str | None = None,
) -> tuple[SpaceManifest, Positions]:
    """Return the manifest, to be signed, and the positions of the anchors in the new space.

    `replaces` is the digest of the manifest whose place it is to take.

    Raises:
        EmbeddingsRefused: embeddings of other anchors, of one member twice, or degenerate ones.
    """
    check_members(anchors, founders)
    rows = common_rows(anchors, founders)
    found = _consensus(founders, rows, method, leave_out=True)
    positions = Positions(found.matrix, rows)
    manifest = SpaceManifest(
        name=name,
        author=author,
        created=at,
        anchors=anchors.set_id,
        fitted=len(rows),
        dimension=found.matrix.shape[1],
        founders=tuple(_founder(each, found) for each in sorted(founders, key=_key)),
        consensus=positions.digest,
        method=method,
        threshold=threshold,
        replaces=replaces,
    )
    return manifest, positions


def recompute(
    manifest: SpaceManifest,
    positions: Positions,
    anchors: AnchorSet,
    members: Sequence[AnchorEmbeddings],
) -> float | None:
    """Compute the consensus again from the founders' pinned files, where all are at hand.

    It is made by the method that the manifest names.

    Returns the mean of 1 - cosine between the pinned consensus and the own one, None where a
    founder's file is missing.

    Raises:
        ManifestRefused: the manifest's consensus is not what its founders' embeddings give.
    """
    pinned = {each.embeddings for each in manifest.founders}
    founders = [each for each in members if each.digest in pinned]
    if {each.digest for each in founders} != pinned:
        return None
    rows = common_rows(anchors, founders)
    apart = 2.0
    if np.array_equal(rows, positions.rows):
        own = _consensus(founders, rows, manifest.method, leave_out=False).matrix
        apart = shift_between(positions.positions.astype(np.float64), own.astype(np.float64))
    if apart > SAME_CONSENSUS:
        raise ManifestRefused(
            f"the consensus of {manifest.name} is not what its founders' embeddings give "
            f"({apart:.4f} apart, {SAME_CONSENSUS} is tolerated)",
            fix="Do not use it; ask its author.",
        )
    return apart


def check_members(anchors: AnchorSet, members: Sequence[AnchorEmbeddings]) -> None:
    """Refuse embeddings that are not what they are called (EmbeddingsRefused).

    Those of other anchors, two files of one member, and two members that name one space and whose
    vectors differ: routes go by space, so one's file would speak for the other.
    """
    seen: set[str] = set()
    for each in members:
        if each.anchors != anchors.set_id or len(each.document) != len(anchors.anchors):
            raise EmbeddingsRefused(
                f"the embeddings of {each.organisation} are of other texts ({each.anchors}) "
                f"than the anchor set ({anchors.set_id})",
                fix="Both sides must import the same file.",
            )
        if _key(each) in seen:
            raise EmbeddingsRefused(
                f"two files are from {each.organisation} in one space",
                fix="Leave one out.",
            )
        seen.add(_key(each))
    first: dict[str, AnchorEmbeddings] = {}
    for each in members:
        _check_alike(first.setdefault(each.space_id, each), each)


def _check_alike(one: AnchorEmbeddings, other: AnchorEmbeddings) -> None:
    both = one.usable & other.usable
    if one is other or not both.any():
        return
    views = [(one.document, other.document), (one.query, other.query)]
    apart = max(_apart(a[both], b[both]) for a, b in views)
    if apart > SAME_SPACE:
        raise EmbeddingsRefused(
            f"{one.organisation} and {other.organisation} name one space, and their vectors of the "
            f"same texts lie {apart:.2f} apart (1 - cosine; {SAME_SPACE} is tolerated)",
            fix="Ask both which model they use, and leave out the file that is wrong.",
        )


def _apart(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """The mean of 1 - cosine of the rows of two (n, d), none of which is zero."""
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(np.mean(1.0 - np.einsum("ij,ij->i", a, b) / lengths))


def check_rows(manifest: SpaceManifest, positions: Positions, anchors: AnchorSet) -> None:
    """Refuse a consensus that rests on other anchors than those of the fit part (ManifestRefused).

    Where a founder's file is missing, the consensus cannot be computed again; an author could have
    fitted it on the very anchors by which routes are chosen and measured.
    """
    if not np.isin(positions.rows, anchors.split.fit).all():
        raise ManifestRefused(
            f"the consensus of {manifest.name} rests on anchors that are kept for choosing and "
            "measuring, or on none of this set",
            fix="Do not use it; ask its author for one that was fitted on the fit part alone.",
        )


def common_rows(anchors: AnchorSet, members: Sequence[AnchorEmbeddings]) -> NDArray[np.int64]:
    """Return the rows (m,) of the fit part of which every member's model makes something."""
    rows = anchors.split.fit
    for each in members:
        rows = rows[each.usable[rows]]
    return rows


def _consensus(
    members: Sequence[AnchorEmbeddings],
    rows: NDArray[np.int64],
    method: Method,
    *,
    leave_out: bool,
) -> Consensus:
    matrices = {_key(each): each.document[rows] for each in members}
    try:
        return consensus(matrices, method, leave_out=leave_out)
    except FitRefused as error:
        raise EmbeddingsRefused(
            f"these embeddings have no consensus: {error}",
            fix=(
                "Check the files of the members; a model that hardly tells texts apart cannot "
                "take part."
            ),
        ) from None


def _founder(member: AnchorEmbeddings, found: Consensus) -> Founder:
    shift = found.shifts.get(_key(member))
    return Founder(
        organisation=member.organisation,
        space=member.space_id,
        dimension=member.envelope.dimension,
        embeddings=member.digest,
        shift_micro=None if shift is None else round(max(shift, 0.0) * 1e6),
    )


def _key(member: AnchorEmbeddings) -> str:
    return f"{member.organisation} {member.space_id}"
