"""The form of a collection on its way: head, documents, end, and the digests over them.

The rule of this file: docs/collection-files.md, "The form". Whatever carries it (Parquet, .npy),
the same documents have the same digest.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from node.transfer.errors import NotAsTold
from node.wrong_values import describe
from protocol.envelope import Envelope, Similarity
from protocol.notation import Digest, SpaceId

FloatArray = npt.NDArray[np.float32]
Span = tuple[int, int]
Progress = Callable[[int, int | None, str], None]

PIECES = 1_000
"""Vectors that are held at once."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


PartT = TypeVar("PartT", bound=_Part)


class Head(_Part):
    """What the vectors are, and of which collection; `exported_at` is epoch seconds UTC."""

    format: Literal["interlingua-collection"] = "interlingua-collection"
    spec: Literal[1, 2] = 2
    name: str
    title: str
    description: str
    language: str
    version: str
    space: SpaceId
    envelope: Envelope
    sources: bool
    exported_at: int


class End(_Part):
    """How many documents and vectors there were, the digest over them, and that of the head.

    `head` is None in version 1, and of what came without a head.
    """

    documents: int = Field(ge=0)
    vectors: int = Field(ge=0)
    digest: Digest
    head: Digest | None = None

    @property
    def seal(self) -> str:
        """One digest for everything: of this end, or of the documents where there is no head's."""
        return self.digest if self.head is None else _digest(self.model_dump(mode="json"))


@dataclass(frozen=True, slots=True, eq=False)
class Moved:
    """One document: n `spans` of its text (characters) and `vectors` (n, d) float32.

    `encoded`: the encoder made the vectors from the text; else they were given with the document.
    `source`: hex SHA-256 of what `uri` gave, where the text is read from there.
    `where` is its place in the source, for messages.
    """

    id: str
    where: str
    spans: tuple[Span, ...]
    vectors: FloatArray
    labels: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    uri: str | None = None
    text: str | None = None
    encoded: bool = False
    source: str | None = None


class Source(Protocol):
    """Something that documents are read from, as often as wanted.

    `head` is None where it keeps no envelope; `metric` is what its own index ranks by, if known;
    `total` counts its documents, or is None.
    """

    head: Head | None
    metric: Similarity | None
    total: int | None

    def documents(self) -> Iterator[Moved]:
        """Yield the documents in order. Raises TransferError."""

    def end(self) -> End | None:
        """What the source says of its documents, known once they were read; None: nothing."""

    def close(self) -> None:
        """Let go of files and connections."""


class Tally:
    """Counts and digests documents as they pass, and their head where it is of version 2."""

    def __init__(self, head: Head | None) -> None:
        self.documents = 0
        self.vectors = 0
        self._hashed = hashlib.sha256()
        self._head: str | None = None
        if head is not None and head.spec > 1:
            self._head = _digest(head.model_dump(mode="json", exclude_none=True))

    def add(self, one: Moved) -> None:
        """Take one document."""
        told = [
            one.id, sorted(one.labels), one.metadata, one.uri, one.text, one.encoded, one.spans,
            one.source,
        ]  # fmt: skip
        line = _text(told)
        self._hashed.update(len(line).to_bytes(8, "big") + line)
        self._hashed.update(one.vectors.astype("<f4", copy=False).tobytes())
        self.documents += 1
        self.vectors += len(one.spans)

    @property
    def end(self) -> End:
        """What passed so far."""
        return End(
            documents=self.documents,
            vectors=self.vectors,
            digest=f"sha256:{self._hashed.hexdigest()}",
            head=self._head,
        )


def _text(told: Any) -> bytes:
    """The JSON text of which a digest is made."""
    return orjson.dumps(told, option=orjson.OPT_SORT_KEYS)


def _digest(told: Any) -> str:
    return f"sha256:{hashlib.sha256(_text(told)).hexdigest()}"


def parse_head(content: Any, where: str) -> Head:
    """Read a head given as a JSON object. Raises NotAsTold."""
    head = _parsed(Head, content, f"the head of {where}")
    if head.envelope.space_id != head.space:
        raise NotAsTold(
            f"the envelope of {where} is of space {head.envelope.space_id}, and the head says "
            f"{head.space}"
        )
    return head


def parse_end(content: Any, where: str) -> End:
    """Read an end given as a JSON object. Raises NotAsTold."""
    return _parsed(End, content, f"the end of {where}")


def _parsed(model: type[PartT], content: Any, what: str) -> PartT:
    try:
        return model.model_validate_json(orjson.dumps(content))
    except TypeError:
        raise NotAsTold(f"{what} is nested too deeply") from None
    except ValidationError as error:
        raise NotAsTold(f"{what}: {describe(error)}") from None
