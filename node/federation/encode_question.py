"""From a question as a person gives it to vectors with the envelope of their space."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from node.encoders.errors import UnknownEncoder, UnusableVectors
from node.encoders.vectors import checked
from node.federation.ask import AskRequest
from node.federation.errors import QuestionInvalid
from protocol.envelope import Envelope

if TYPE_CHECKING:
    from node.collections.registry import Collections
    from node.encoders.encoder import Encoder
    from node.encoders.registry import Encoders


@dataclass(frozen=True)
class Encoded:
    """The question's vectors (n, d), the envelope of the space they lie in, and their encoder."""

    vectors: NDArray[np.float32]
    envelope: Envelope
    encoder: "Encoder"


async def encode_question(
    request: AskRequest, encoders: "Encoders", collections: "Collections"
) -> Encoded:
    """Encode texts in the query role, or check given vectors.

    Raises QuestionInvalid where no encoder, or more than one, could be meant; EncoderError where
    the model fails.
    """
    encoder = choose_encoder(request.encoder, encoders, collections)
    if request.texts:
        vectors = await encoder.encode(list(request.texts), "query")
    else:
        try:
            vectors = checked(request.vectors, encoder.envelope)
        except UnusableVectors as error:
            raise QuestionInvalid(
                f"The vectors cannot be asked with: {error}.", fix=error.fix
            ) from None
    return Encoded(vectors, encoder.envelope.describing(role="query"), encoder)


def choose_encoder(name: str | None, encoders: "Encoders", collections: "Collections") -> "Encoder":
    """Return the encoder that is named, or that of the named collection.

    Where none is named, the one by which all own collections are asked, or the only one there is:
    an encoder for a version that is being built makes nothing unclear.
    """
    if name is not None:
        of_collection = {each.name: each.encoder for each in collections.all()}
        try:
            return of_collection[name] if name in of_collection else encoders.get(name)
        except UnknownEncoder:
            raise QuestionInvalid(
                f"There is no encoder and no collection named {name}.",
                fix="interlingua encoder list",
            ) from None
    serving = {each.encoder.name for each in collections.all()}
    names = sorted(serving) if len(serving) == 1 else encoders.names()
    if len(names) == 1:
        return encoders.get(names[0])
    if not names:
        raise QuestionInvalid(
            "There is no encoder to encode the question with.", fix="interlingua encoder add --help"
        )
    raise QuestionInvalid(
        f"It is not clear which encoder is meant: {', '.join(names)}.",
        fix="Name one with --encoder (an encoder, or a collection whose encoder is meant).",
    )
