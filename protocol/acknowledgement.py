"""Acknowledgements: an asker confirms, signed, which answers it has received and logged.

The rule of this file: it confirms only what is durable, so each item names the asker's own
`received` leaf, and the checkpoint covers them all. One request carries many, some seconds after
the answers: nothing waits for it.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from protocol.limits import MAX_ACK_BYTES, MAX_ACKNOWLEDGED
from protocol.message_json import build, read_object
from protocol.notation import Bits128, Count, Digest, NoteText, Version1, WireModel

_MAX_ITEMS = 4 * MAX_ACKNOWLEDGED + 8
"""JSON values in one acknowledgement: the members, and four for each answer."""


class ReceivedAnswer(WireModel):
    """One answer: its digest, the asker's `received` leaf, and the responder's leaf of it.

    Both leaves by their index, each in its own log.
    """

    answer: Digest
    received: Count
    leaf: Count


class Acknowledgement(WireModel):
    """The body of an acknowledgement; `checkpoint` is the asker's, over every `received` leaf."""

    v: Version1 = 1
    salt: Bits128
    checkpoint: NoteText
    answers: Annotated[
        tuple[ReceivedAnswer, ...], Field(strict=False, min_length=1, max_length=MAX_ACKNOWLEDGED)
    ]

    @model_validator(mode="after")
    def _names_each_once(self) -> "Acknowledgement":
        for which in ("received", "leaf"):
            if len({getattr(one, which) for one in self.answers}) < len(self.answers):
                raise ValueError(f"answers: two of them name one {which}")
        return self

    def encode(self) -> bytes:
        """Return the body: compact JSON in UTF-8."""
        return self.model_dump_json().encode()

    @classmethod
    def parse(cls, body: bytes) -> "Acknowledgement":
        """Return the message in an authenticated body; Refused with `message-invalid`."""
        return build(cls, read_object(body, MAX_ACK_BYTES, _MAX_ITEMS))


class Confirmed(WireModel):
    """The payload line that answers it: how many answers it has confirmed, of those in it."""

    v: Version1 = 1
    salt: Bits128
    query: Digest
    decision: Literal["answered"] = "answered"
    confirmed: Count

    def encode(self) -> bytes:
        """Return the payload line without its LF."""
        return self.model_dump_json().encode()
