"""The envelope: the metadata without which a vector means nothing.

The rule of this file: the fields in `SPACE_FIELDS` define the space and are hashed into its id,
all of them and nothing else; the other fields describe. Two envelopes with one id belong to one
space, whatever their describing fields say.
"""

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from protocol.canonical import digest, dumps
from protocol.limits import MAX_DIMENSION
from protocol.notation import (
    Base64url,
    Digest,
    SpaceId,
    Text,
    Time,
    Version1,
    WireModel,
    Word,
    from_base64url,
)

SKETCH_BYTES = 276
"""Length of a probe sketch: one byte for each pair of the 24 probe texts (protocol/probe.py)."""

Normalisation = Literal["l2", "none"]
Similarity = Literal["cosine", "dot", "l2"]
Dtype = Literal["float32", "float16", "int8"]
Role = Literal["query", "document"]

SPACE_FIELDS = (
    "provider",
    "model",
    "revision",
    "modality",
    "dimension",
    "truncated_from",
    "pooling",
    "normalisation",
    "similarity",
    "prompts",
    "quantisation",
    "probe",
)
"""Hashed into the space id, each of them, an absent value as null."""


class Prompts(WireModel):
    """Digests of the UTF-8 texts that the encoder puts before a question and before a document.

    No prompt is the empty text: `digest(b"")`.
    """

    query: Digest
    document: Digest

    @classmethod
    def of(cls, query: str = "", document: str = "") -> "Prompts":
        """Return the digests of two prompts."""
        return cls(query=digest(query.encode()), document=digest(document.encode()))


class Adaptation(WireModel):
    """Where vectors come from that were mapped: the space and the adapter's file digest."""

    space: SpaceId
    adapter: Digest


class Envelope(WireModel):
    """What a vector is. Space-defining fields first, describing fields after them.

    `provider`, `model`, `revision`: who made the model, its name, and the commit or weights digest.
    `dimension`: components of a vector; `truncated_from`: the width before a Matryoshka cut.
    `pooling`: how token vectors become one (mean, cls, last, none). `normalisation`: `l2` means
    that every vector has length 1. `similarity`: what nearness means in the space.
    `quantisation`: what was done to the model's weights (none, int8, q4_0). `probe`: the probe
    sketch (protocol/probe.py) of the space's first holder, base64url, or None.

    `dtype`: components on the wire. `role`: which side of the model made this vector.
    `max_tokens`: where the model cuts its input. `adapted_from`: set on mapped vectors.
    `superseded_by`: the space id of a newer space to which the holder moves.
    """

    spec: Version1 = 1
    provider: Text
    model: Text
    revision: Text
    modality: Word = "text"
    dimension: Annotated[int, Field(ge=1, le=MAX_DIMENSION)]
    truncated_from: Annotated[int, Field(ge=2, le=2**20)] | None = None
    pooling: Word
    normalisation: Normalisation
    similarity: Similarity
    prompts: Prompts
    quantisation: Word = "none"
    probe: Base64url | None = None

    dtype: Dtype = "float32"
    role: Role | None = None
    max_tokens: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    training_data: Text | None = None
    license: Text | None = None
    adapted_from: Adaptation | None = None
    superseded_by: SpaceId | None = None
    created_at: Time | None = None

    @field_validator("probe")
    @classmethod
    def _probe_is_a_sketch(cls, value: str | None) -> str | None:
        if value is not None and len(from_base64url(value)) != SKETCH_BYTES:
            raise ValueError(f"probe: a sketch has {SKETCH_BYTES} bytes")
        return value

    @model_validator(mode="after")
    def _fields_agree(self) -> "Envelope":
        if self.truncated_from is not None and self.truncated_from <= self.dimension:
            raise ValueError("truncated_from is the width before the cut, so above dimension")
        if self.dtype == "int8" and self.normalisation != "l2":
            raise ValueError("int8 carries directions only; it needs normalisation l2")
        return self

    @property
    def space_fields(self) -> dict[str, Any]:
        """The space-defining fields as a JSON object."""
        return self.model_dump(mode="json", include=set(SPACE_FIELDS))

    @cached_property
    def space_id(self) -> SpaceId:
        """SHA-256 of the canonical JSON of the space-defining fields."""
        return digest(dumps(self.space_fields))

    def describing(self, **changes: Any) -> "Envelope":
        """Return a copy with other describing fields; ValueError for a space-defining one."""
        fixed = sorted(set(changes) & {*SPACE_FIELDS, "spec"})
        if fixed:
            raise ValueError(f"{', '.join(fixed)} define the space; make another envelope")
        return Envelope.model_validate({**self.model_dump(), **changes})
