"""Made-up members of a shared space: models of several widths that see the same meanings."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from keys.ring import KeyRecord, KeyRing
from keys.signer import Signer
from node.spaces.anchor_set import Anchor, AnchorSet, make_anchor_set
from node.spaces.create import create_space
from node.spaces.embedding_file import AnchorEmbeddings
from node.spaces.join import Joining, join
from node.spaces.manifest import Positions, SpaceManifest
from node.spaces.maps import Ground
from protocol.envelope import Envelope, Prompts
from tests.adapters.worlds import turn, unit

AT = 1_700_000_000
WIDTHS = {"a.example": 16, "b.example": 24, "c.example": 20}


def unseen(done: int, total: int | None, what: str) -> None:
    """A progress that nobody watches."""


@cache
def anchor_set(n: int = 600) -> AnchorSet:
    return make_anchor_set(Anchor(f"document {i}", f"question {i}") for i in range(n))


def envelope(organisation: str, dimension: int) -> Envelope:
    return Envelope(
        provider=organisation,
        model="made-up",
        revision="1",
        dimension=dimension,
        pooling="none",
        normalisation="l2",
        similarity="cosine",
        prompts=Prompts.of(),
    )


def embeddings(organisation: str, dimension: int, seed: int, n: int = 600) -> AnchorEmbeddings:
    """One model's view of meanings that all models share, with its own mean and noise."""
    meaning = np.random.default_rng(0).normal(size=(n, 12))
    asked = meaning + 0.3 * np.random.default_rng(1).normal(size=meaning.shape)
    rng = np.random.default_rng(seed)
    basis, mean = (
        np.pad(turn(rng, dimension), ((0, 12), (0, 0)))[:12],
        0.2 * rng.normal(size=dimension),
    )

    def view(points: NDArray[np.float64]) -> NDArray[np.float32]:
        return unit(points @ basis + mean + 0.05 * rng.normal(size=(n, dimension)))

    return AnchorEmbeddings(
        organisation,
        envelope(organisation, dimension),
        anchor_set(n).set_id,
        view(meaning),
        view(asked),
    )


SEEN, MORE = 12, 48
"""Topics that every model sees, and further ones that only models of experts see."""


@cache
def expert(organisation: str, dimension: int, seed: int, n: int = 600) -> AnchorEmbeddings:
    """A model that sees what all see, less clearly, and what the shared space has no room for."""
    common = np.random.default_rng(0).normal(size=(n, SEEN))
    further = 1.5 * np.random.default_rng(2).normal(size=(n, MORE))
    meaning = np.hstack([0.2 * common, further])
    asked = meaning + 1.2 * np.random.default_rng(3).normal(size=meaning.shape)
    rng = np.random.default_rng(seed)
    basis = turn(rng, dimension)[: SEEN + MORE]

    def view(points: NDArray[np.float64]) -> NDArray[np.float32]:
        return unit(points @ basis + 0.05 * rng.normal(size=(n, dimension)))

    space = envelope(organisation, dimension)
    return AnchorEmbeddings(organisation, space, anchor_set(n).set_id, view(meaning), view(asked))


@cache
def members() -> tuple[AnchorEmbeddings, ...]:
    return tuple(
        embeddings(name, width, seed) for seed, (name, width) in enumerate(WIDTHS.items(), 10)
    )


@cache
def created(name: str = "commons") -> tuple[SpaceManifest, Positions]:
    return create_space(name, "a.example", anchor_set(), members(), 1, AT)


def ground() -> Ground:
    manifest, positions = created()
    return Ground(manifest, anchor_set(), positions)


@cache
def joining_of(own: AnchorEmbeddings, *others: AnchorEmbeddings) -> Joining:
    """What `own` fits, chooses and measures beside the others, once for all tests that read it."""
    return join(ground(), own, others, AT, unseen)


def ring(signer: Signer, *, until: int = AT + 1000) -> KeyRing:
    return KeyRing([KeyRecord.of(signer.public, "sign", AT - 1000, until)])
