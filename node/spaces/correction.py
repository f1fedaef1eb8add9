"""What the scores of one native space in a shared space are corrected by, fitted at joining.

The rule of this file: it rests on anchors alone, and on what a member has anyway: its own view of
the anchor questions, by its own map, and the questions of every member whose embeddings it knows.
So nothing further has to be agreed on, and a member that joins later moves nobody else's scores.

File: `<native space>.questions.safetensors` beside the state of the native space:

    questions  F32 (a, d)  where the anchor questions lie in the shared space, rows of length 1
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from adapters.affine import AffineMap
from adapters.corrected import MAX_QUESTIONS, Correction, Yardstick, corrected, hubness, offset_of
from adapters.errors import AdapterFileRefused
from adapters.map import Floats
from adapters.quality import known_item_values
from adapters.tensor_file import decode_tensors, encode_tensors, file_digest
from node.spaces.maps import Ground, Party, held_out, scored_by

QUESTIONS_FORMAT = "interlingua-anchor-questions-v1"


class KeptCorrection(BaseModel):
    """What is kept of a correction: the digest of the file of questions, and o."""

    model_config = ConfigDict(frozen=True)

    questions: str
    offset: float


@dataclass(frozen=True, eq=False)
class FittedCorrection:
    """A correction to keep, and the bytes of its file."""

    kept: KeptCorrection
    encoded: bytes
    questions: Floats

    def correct(self, cosines: Floats, documents: Floats) -> Floats:
        """Return (n, m) cosines with (m, d) documents in the shared space as corrected scores."""
        return corrected(cosines, hubness(documents, self.questions), self.kept.offset)


def fit_correction(
    ground: Ground, responder: Party, askers: Sequence[Party], scoring: str, usual_in: str
) -> FittedCorrection:
    """Return the correction of a responder whose documents are scored by its map in `scoring`.

    Its own view of the anchor questions is brought into the space by its map in `usual_in`. o is
    the mean over `askers`, each with its best map in, on the validation part.
    """
    inward = responder.inward[scoring]
    questions = _anchor_questions(ground, responder, usual_in)
    offsets = [_offset(ground, responder, asker, inward, questions) for asker in askers]
    encoded = encode_tensors({"questions": questions}, {"format": QUESTIONS_FORMAT})
    kept = KeptCorrection(questions=file_digest(encoded), offset=float(np.mean(offsets)))
    return FittedCorrection(kept, encoded, questions)


def load_correction(
    raw: bytes, kept: KeptCorrection, inward: AffineMap, adapter: str
) -> Correction:
    """Return a kept correction; `adapter` is the file digest of the map in.

    Raises:
        AdapterFileRefused: the file is not the one that was kept.
    """
    if file_digest(raw) != kept.questions:
        raise AdapterFileRefused("the file of anchor questions is not the one that was kept")
    tensors, _ = decode_tensors(raw, {"questions"})
    return Correction(Yardstick(inward, adapter, tensors["questions"]), kept.offset)


def _anchor_questions(ground: Ground, member: Party, usual_in: str) -> Floats:
    """The member's view of the anchor questions of the fit part, in the shared space."""
    own = member.embeddings
    rows = ground.positions.rows
    rows = rows[own.usable[rows]][:MAX_QUESTIONS]
    return member.inward[usual_in].apply(own.query[rows])


def _offset(
    ground: Ground, responder: Party, asker: Party, inward: AffineMap, questions: Floats
) -> float:
    """Return o of one asker's questions to the responder's documents, by its best map in."""
    validation = ground.anchors.split.validation
    part = held_out(ground, validation, asker.embeddings, responder.embeddings)
    inside = scored_by(part, inward)
    best = max(
        asker.inward.values(), key=lambda each: float(known_item_values((each,), inside).mean())
    )
    asked = best.apply(part.source_questions)
    return offset_of(asked, inside.target_documents[: len(asked)], questions)
