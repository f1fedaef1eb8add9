"""The manifest of a shared space: what it was made from, signed, and the file of its positions.

The rule of this file: a shared space is its manifest. It pins the anchor set, every founding
member's embeddings and the consensus by digest, and names the method by which the consensus was
made; whoever has those files can compute it again. It counts when enough of the organisations that
it names have signed it with a valid signing key: its author, and the founding members.

Files: `<name>.space.json`, a DSSE envelope; `<name>.consensus.safetensors` beside it:

    positions  F32 (m, d)  where the anchors lie in the shared space, rows of length 1
    rows       I64 (m,)    which anchors, ascending; those of the fit part that all founders embed
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from adapters.consensus_method import Method
from adapters.errors import AdapterFileRefused
from adapters.tensor_file import decode_tensors, encode_tensors, file_digest
from keys.ring import KeyRefused, KeyRing
from keys.signer import Signer
from node.spaces.errors import ManifestRefused
from protocol.canonical import dumps
from protocol.document import Document, DocumentRefused, read_document
from protocol.dsse import Signed, add_signatures, sign
from protocol.envelope import Envelope, Prompts
from protocol.limits import MAX_DIMENSION
from protocol.notation import (
    CollectionName,
    Count,
    Digest,
    Organisation,
    SpaceId,
    Time,
    Version1,
    WireModel,
)

SPACE_TYPE = "application/vnd.interlingua.space+json"
CONSENSUS_FORMAT = "interlingua-consensus-v1"
MAX_MEMBERS = 64

RingOf = Callable[[str], KeyRing | None]
"""The keys of an organisation, or None where it is neither the own one nor a partner."""


class Founder(WireModel):
    """One founding member: whose model, its space, and the digest of its embeddings' file.

    `shift_micro`: by how much leaving it out moves the consensus, in millionths of 1 - cosine on
    average over the anchors; None with fewer than three founders.
    """

    organisation: Organisation
    space: SpaceId
    dimension: Annotated[int, Field(ge=1, le=MAX_DIMENSION)]
    embeddings: Digest
    shift_micro: Count | None = None


class SpaceManifest(Document):
    """A shared space.

    `author` made it at `created`. `anchors` is the id of the anchor set, `fitted` how many anchors
    the consensus rests on, `method` how it was made of the founders' embeddings. Manifests without
    a method are older than the choice: it is `procrustes`, which is always left unsaid. `threshold`
    organisations, of the author and the founders, must sign. `replaces` is the digest of the
    manifest whose place it takes, None and unsaid where it is a space of its own.
    """

    v: Version1 = 1
    name: CollectionName
    author: Organisation
    created: Time
    anchors: Digest
    fitted: Count
    dimension: Annotated[int, Field(ge=1, le=MAX_DIMENSION)]
    founders: Annotated[
        tuple[Founder, ...], Field(strict=False, min_length=2, max_length=MAX_MEMBERS)
    ]
    consensus: Digest
    method: Method = "procrustes"
    threshold: Annotated[int, Field(ge=1, le=MAX_MEMBERS)] = 1
    replaces: Digest | None = None

    @model_validator(mode="after")
    def _can_be_signed(self) -> "SpaceManifest":
        if self.threshold > len(self.signatories):
            raise ValueError("threshold: more signatures are wanted than there are signatories")
        if len({(each.organisation, each.space) for each in self.founders}) < len(self.founders):
            raise ValueError("founders: one member is named twice")
        return self

    @property
    def payload(self) -> bytes:
        """The canonical JSON of the document."""
        unsaid = {"method"} if self.method == "procrustes" else set[str]()
        unsaid |= {"replaces"} if self.replaces is None else set[str]()
        return dumps(self.model_dump(mode="json", exclude=unsaid))

    @property
    def signatories(self) -> frozenset[str]:
        """The organisations whose signatures count."""
        return frozenset({self.author, *(each.organisation for each in self.founders)})

    @cached_property
    def envelope(self) -> Envelope:
        """The envelope of vectors in the shared space."""
        return Envelope(
            provider="consortium",
            model=self.name,
            revision=self.consensus,
            dimension=self.dimension,
            pooling="none",
            normalisation="l2",
            similarity="cosine",
            prompts=Prompts.of(),
        )

    def founder(self, organisation: str, space: str) -> Founder | None:
        """The founding member of that organisation with that space, or None."""
        for each in self.founders:
            if (each.organisation, each.space) == (organisation, space):
                return each
        return None


@dataclass(frozen=True, eq=False)
class Positions:
    """Where anchors lie in the shared space: `positions` (m, d) float32, `rows` (m,) int64."""

    positions: NDArray[np.float32]
    rows: NDArray[np.int64]

    @cached_property
    def encoded(self) -> bytes:
        """The file's bytes."""
        return encode_tensors(
            {"positions": self.positions, "rows": self.rows}, {"format": CONSENSUS_FORMAT}
        )

    @cached_property
    def digest(self) -> str:
        """Digest of the file, which names the space."""
        return file_digest(self.encoded)


def sign_manifest(manifest: SpaceManifest, signers: Iterable[Signer]) -> bytes:
    """Return the signed manifest."""
    return sign(manifest.payload, SPACE_TYPE, signers)


def countersign(
    raw: bytes,
    organisation: str,
    signers: Iterable[Signer],
    former: SpaceManifest | None = None,
) -> bytes:
    """Return the manifest in `raw` with further signatures of one of its signatories.

    Those of the manifest that it replaces, `former`, count as well.

    Raises:
        ManifestRefused: another form, or the organisation's signature would not count.
    """
    manifest = read_manifest(raw)
    agreeing = frozenset[str]() if former is None else former.signatories
    if organisation not in manifest.signatories | agreeing:
        raise ManifestRefused(
            f"{organisation} is neither author nor founder of {manifest.name}, so its "
            "signature does not count",
            fix="Let the author or a founder sign it.",
        )
    return add_signatures(raw, SPACE_TYPE, signers)


def read_manifest(raw: bytes) -> SpaceManifest:
    """Return the manifest in `raw`, whoever signed it. Raises ManifestRefused: another form."""
    return _read(raw)[0]


def count_signatures(raw: bytes) -> int:
    """Return how many signatures a manifest carries, whoever made them."""
    return len(_read(raw)[1].signatures)


def accept_manifest(raw: bytes, ring_of: RingOf, at: int) -> SpaceManifest:
    """Return the manifest in `raw` if enough known signatories signed it.

    Raises:
        ManifestRefused: another form, or too few signatures that can be verified here.
    """
    manifest = read_manifest(raw)
    signers = signed_by(raw, manifest.signatories, ring_of, at)
    if len(signers) < manifest.threshold:
        unknown = sorted(name for name in manifest.signatories if ring_of(name) is None)
        hint = f"; not partners here: {', '.join(unknown)}" if unknown else ""
        raise ManifestRefused(
            f"the manifest of {manifest.name} needs {manifest.threshold} valid signatures of "
            f"its members, {len(signers)} verify here{hint}",
            fix="Pair with them first (`interlingua peer invite`), or get it signed.",
        )
    return manifest


def signed_by(raw: bytes, organisations: Iterable[str], ring_of: RingOf, at: int) -> set[str]:
    """Return those of the organisations whose valid signing key signed the manifest in `raw`."""
    signed = _read(raw)[1]
    return {name for name in organisations if _signed_by(signed, ring_of(name), at)}


def accept_positions(raw: bytes, manifest: SpaceManifest) -> Positions:
    """Read the file of positions that the manifest pins.

    Raises:
        ManifestRefused: other bytes, or a form that does not fit the manifest.
    """
    if file_digest(raw) != manifest.consensus:
        raise ManifestRefused(
            f"the consensus file is not the one that the manifest of {manifest.name} pins",
            fix="Get the one that was made with it.",
        )
    try:
        tensors, metadata = decode_tensors(raw, {"positions", "rows"})
    except AdapterFileRefused as error:
        raise ManifestRefused(
            f"the consensus file is damaged: {error}",
            fix="Get it again from the author of the manifest.",
        ) from None
    positions, rows = tensors["positions"], tensors["rows"]
    if metadata.get("format") != CONSENSUS_FORMAT or not _fits(positions, rows, manifest):
        raise ManifestRefused("the consensus file does not have the form that its manifest states")
    return Positions(positions, rows)


def _fits(positions: NDArray[np.float32], rows: NDArray[np.int64], manifest: SpaceManifest) -> bool:
    return (
        positions.dtype == np.float32
        and rows.dtype == np.int64
        and positions.shape == (manifest.fitted, manifest.dimension)
        and rows.shape == (manifest.fitted,)
        and bool(np.isfinite(positions).all())
        and bool((rows >= 0).all() and (np.diff(rows) > 0).all())
    )


def _read(raw: bytes) -> tuple[SpaceManifest, Signed]:
    try:
        return read_document(raw, SPACE_TYPE, SpaceManifest, DocumentRefused)
    except DocumentRefused as error:
        raise ManifestRefused(
            f"this is no manifest of a shared space: {error}",
            fix="Get the manifest again from its author; `interlingua space create` writes it.",
        ) from None


def _signed_by(signed: Signed, ring: KeyRing | None, at: int) -> bool:
    if ring is None:
        return False
    usable: dict[str, bytes] = {}
    for kid in signed.signatures:
        try:
            usable[kid] = ring.usable(kid, "sign", at).public
        except KeyRefused:
            continue
    return bool(signed.signers(usable))
