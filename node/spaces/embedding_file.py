"""A member's embeddings of an anchor set, as a file that travels between members.

The rule of this file: the file says whose model made it, of which texts, in which space; what
crosses is embeddings of public texts and nothing else. One content has one digest, which a
manifest pins.

    document  F32 (n, d)    row i is text i of the set in canonical order
    query     F32 (n, d)    metadata  format, organisation, envelope (JSON), anchors (set id)

A row of zeros means that the model makes nothing of that text; such texts are left out of fits.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from adapters.errors import AdapterFileRefused
from adapters.tensor_file import decode_tensors, encode_tensors, file_digest
from node.encoders.errors import UnusableVectors
from node.encoders.vectors import checked
from node.spaces.errors import EmbeddingsRefused
from protocol.envelope import Envelope
from protocol.notation import is_organisation

FORMAT = "interlingua-anchor-embeddings-v1"

MAX_EMPTY = 0.1
"""Largest share of texts of which the model may make nothing."""

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class AnchorEmbeddings:
    """Embeddings of both views of an anchor set, (n, d) float32 each, by one member."""

    organisation: str
    envelope: Envelope
    anchors: str
    document: FloatArray
    query: FloatArray

    @property
    def space_id(self) -> str:
        """The member's space."""
        return self.envelope.space_id

    @cached_property
    def usable(self) -> NDArray[np.bool_]:
        """(n,) which texts the model makes something of, in both views."""
        return np.asarray(self.document.any(axis=1) & self.query.any(axis=1))

    @cached_property
    def encoded(self) -> bytes:
        """The file's bytes."""
        return encode_tensors(
            {"document": self.document, "query": self.query},
            {
                "format": FORMAT,
                "organisation": self.organisation,
                "envelope": self.envelope.model_dump_json(exclude_none=True),
                "anchors": self.anchors,
            },
        )

    @cached_property
    def digest(self) -> str:
        """Digest of the file."""
        return file_digest(self.encoded)


def decode_embeddings(raw: bytes) -> AnchorEmbeddings:
    """Read a member's file, looked at before anything is computed from it.

    Raises:
        EmbeddingsRefused: damaged, or vectors that the envelope does not describe.
    """
    try:
        tensors, metadata = decode_tensors(raw, {"document", "query"})
    except AdapterFileRefused as error:
        raise EmbeddingsRefused(
            f"this is no file of anchor embeddings: {error}",
            fix="Get the file again from the member; `interlingua anchors export` writes it.",
        ) from None
    if metadata.get("format") != FORMAT:
        raise EmbeddingsRefused(f"this file's format is not {FORMAT}")
    try:
        envelope = Envelope.model_validate_json(metadata["envelope"])
        organisation, anchors = metadata["organisation"], metadata["anchors"]
    except (KeyError, ValidationError) as error:
        raise EmbeddingsRefused(
            f"the file does not say whose embeddings of what it holds ({type(error).__name__})"
        ) from None
    if not is_organisation(organisation):
        raise EmbeddingsRefused("the file names no organisation")
    document, query = tensors["document"], tensors["query"]
    if document.shape != query.shape:
        raise EmbeddingsRefused("both views need one row a text")
    return AnchorEmbeddings(
        organisation,
        envelope,
        anchors,
        sound_rows(document, envelope),
        sound_rows(query, envelope),
    )


def sound_rows(rows: FloatArray, envelope: Envelope) -> FloatArray:
    """Return rows (n, d) as they are if they keep the envelope's promises or are zero.

    Raises:
        EmbeddingsRefused: another width, a NaN, too many rows of zeros, another length than 1
            where the envelope says l2.
    """
    if rows.ndim != 2 or rows.shape[1] != envelope.dimension or rows.dtype != np.float32:
        raise EmbeddingsRefused(
            f"the rows have not the {envelope.dimension} float32 components that the envelope "
            "states",
            fix="Compute them with the model that the envelope names, as float32.",
        )
    with np.errstate(invalid="ignore"):  # a NaN is some component; `checked` refuses it
        full = rows.any(axis=1)
    empty = len(rows) - int(full.sum())
    if empty > MAX_EMPTY * len(rows):
        raise EmbeddingsRefused(
            f"the model makes nothing of {empty} of {len(rows)} texts",
            fix="Check the encoder, or choose anchors in its language.",
        )
    try:
        put_right = checked(rows[full], envelope)
    except UnusableVectors as error:
        raise EmbeddingsRefused(
            f"the embeddings are not sound: {error}",
            fix=error.fix,
        ) from None
    if not np.allclose(put_right, rows[full], atol=1e-3):
        raise EmbeddingsRefused(
            "rows do not have length 1, as the envelope's normalisation says",
            fix="Scale each row to length 1, or state normalisation = none in the envelope.",
        )
    return rows
