"""The manifest of an anchor set: what the texts are, where they are from, and who says so.

The rule of this file: a set is its texts, whoever describes it; the manifest adds where they come
from, under which licence, and how many query views are real ones. Its author signs it with a
signing key that its root document names. It is believed from oneself or from a partner, whose root
is pinned, and only beside texts that give the id it names.

File: `<name>.anchors.json`, a DSSE envelope.
"""

from collections.abc import Callable, Iterable
from typing import Annotated

from pydantic import Field, model_validator

from keys.ring import KeyRing
from keys.signer import Signer
from node.spaces.anchor_set import AnchorSet
from node.spaces.errors import AnchorsRefused
from node.spaces.query_views import View
from protocol.document import Document, DocumentRefused, read_document, require_signatures
from protocol.dsse import sign
from protocol.notation import (
    CollectionName,
    Count,
    Digest,
    LongText,
    Organisation,
    Text,
    Time,
    Version1,
)

ANCHORS_TYPE = "application/vnd.interlingua.anchors+json"

RingOf = Callable[[str], KeyRing | None]
"""The keys of an organisation, or None where it is neither the own one nor a partner."""


class AnchorManifest(Document):
    """An anchor set as its author describes it.

    `anchors` is the set's id, `texts` their number, `views` how many query views came from which
    source. `source` says where the texts are from, `licence` under which terms (an SPDX identifier
    where there is one).
    """

    v: Version1 = 1
    name: CollectionName
    author: Organisation
    created: Time
    anchors: Digest
    texts: Count
    views: dict[View, Annotated[int, Field(ge=1)]]
    source: LongText
    licence: Text

    @model_validator(mode="after")
    def _every_text_has_a_query_view(self) -> "AnchorManifest":
        if sum(self.views.values()) != self.texts:
            raise ValueError("views: their counts do not add up to the number of texts")
        return self


def describe(
    name: str, author: str, anchors: AnchorSet, source: str, licence: str, at: int
) -> AnchorManifest:
    """Return the manifest of a set, to be signed."""
    return AnchorManifest(
        name=name,
        author=author,
        created=at,
        anchors=anchors.set_id,
        texts=len(anchors.anchors),
        views=anchors.views,
        source=source,
        licence=licence,
    )


def sign_anchors(manifest: AnchorManifest, signers: Iterable[Signer]) -> bytes:
    """Return the signed manifest."""
    return sign(manifest.payload, ANCHORS_TYPE, signers)


def read_anchor_manifest(raw: bytes) -> AnchorManifest:
    """Return the manifest in `raw`, whoever signed it. Raises AnchorsRefused: another form."""
    try:
        return read_document(raw, ANCHORS_TYPE, AnchorManifest, DocumentRefused)[0]
    except DocumentRefused as error:
        raise _no_manifest(error) from None


def accept_anchors(raw: bytes, anchors: AnchorSet, ring_of: RingOf, at: int) -> AnchorManifest:
    """Return the manifest in `raw` if its author is known, signed it, and means these texts.

    Raises:
        AnchorsRefused: another form, an author that is neither oneself nor a partner, no valid
            signature of its, other texts, or other counts than theirs.
    """
    try:
        manifest, signed = read_document(raw, ANCHORS_TYPE, AnchorManifest, DocumentRefused)
    except DocumentRefused as error:
        raise _no_manifest(error) from None
    ring = ring_of(manifest.author)
    if ring is None:
        raise AnchorsRefused(
            f"the manifest is by {manifest.author}, which is no partner here",
            fix="Pair with it first (`interlingua peer invite`), or import the texts without it.",
        )
    try:
        require_signatures(signed, ring, "sign", at, DocumentRefused)
    except DocumentRefused as error:
        raise AnchorsRefused(
            f"the manifest is not signed by {manifest.author}: {error}",
            fix=f"Get it again from {manifest.author}; `interlingua anchors publish` writes it.",
        ) from None
    if manifest.anchors != anchors.set_id or manifest.texts != len(anchors.anchors):
        raise AnchorsRefused(
            f"the manifest of {manifest.author} is of other texts ({manifest.anchors}) than the "
            f"file ({anchors.set_id})",
            fix="Get texts and manifest together; `interlingua anchors publish` writes both.",
        )
    return manifest


def _no_manifest(error: DocumentRefused) -> AnchorsRefused:
    return AnchorsRefused(
        f"this is no manifest of an anchor set: {error}",
        fix="Get it again from its author; `interlingua anchors publish` writes it.",
    )
