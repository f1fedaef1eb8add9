"""What a partner holds of the asker: how far it has seen the asker's log, root document and card.

The rule of this file: everything in it was signed by the asker itself, so a partner can withhold
something newer but cannot invent it. A node that was restored from a backup asks for it before it
signs anything, because whatever partners hold beyond its own state it would contradict.
"""

from typing import Annotated, Literal

from pydantic import Field

from protocol.limits import MAX_ANSWER_BYTES, MAX_DOCUMENT_BYTES
from protocol.log_terms import LogOrigin
from protocol.message_json import build, read_object
from protocol.notation import Bits128, Digest, NoteText, Ordinal, Version1, WireModel

MAX_ITEMS = 32
"""JSON values in one message; it has nine members."""


class Held(WireModel):
    """The payload line that answers a request for what is held; `query` is the empty digest.

    `log_origin` names the asker's log that is pinned here. `checkpoint` is the largest checkpoint
    of that log which came with an answer of the asker, None where none came. `root_version` and
    `card_serial` number the newest documents that were accepted, `root` is that root document as
    it was served, envelope and all.
    """

    v: Version1 = 1
    salt: Bits128
    query: Digest
    decision: Literal["answered"] = "answered"
    log_origin: LogOrigin
    checkpoint: NoteText | None = None
    root_version: Ordinal
    card_serial: Ordinal
    root: Annotated[str, Field(min_length=2, max_length=MAX_DOCUMENT_BYTES)]

    def encode(self) -> bytes:
        """Return the payload line: compact JSON in UTF-8, absent members left out."""
        return self.model_dump_json(exclude_none=True).encode()

    @classmethod
    def parse(cls, line: bytes) -> "Held":
        """Return what is held; Refused with `message-invalid`."""
        return build(cls, read_object(line, MAX_ANSWER_BYTES, MAX_ITEMS))
