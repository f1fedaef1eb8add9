"""The announcement: an organisation's newest root documents and card, brought to a partner.

The rule of this file: an announcement is a container and nothing else. It is not signed, and
nothing in it counts before `accept_root` and `accept_card` have judged it
(docs/protocol-documents.md, section 12).
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, ValidationError

from protocol.canonical import dumps
from protocol.limits import (
    MAX_ANNOUNCED_ROOTS,
    MAX_ANNOUNCEMENT_BYTES,
    MAX_ANNOUNCEMENT_DEPTH,
    MAX_DOCUMENT_BYTES,
)
from protocol.notation import Organisation, Version1, WireModel
from protocol.strict_json import StrictJsonError, parse

ANNOUNCE_PATH = "/federation/v1/announce"
ANNOUNCEMENT_TYPE = "application/json"

_MAX_ITEMS = 2 * MAX_ANNOUNCED_ROOTS + 16

Envelope = Annotated[str, Field(min_length=1, max_length=MAX_DOCUMENT_BYTES)]
"""A DSSE envelope as text."""


class AnnouncementMalformed(Exception):
    """The bytes are no announcement; the text says why."""


class Announcement(WireModel):
    """What is announced: `roots` are successive versions, the newest last; all are unverified."""

    v: Version1 = 1
    organisation: Organisation
    roots: Annotated[
        tuple[Envelope, ...], Field(strict=False, min_length=1, max_length=MAX_ANNOUNCED_ROOTS)
    ]
    card: Envelope | None

    @classmethod
    def of(cls, organisation: str, roots: Sequence[bytes], card: bytes | None) -> "Announcement":
        """Announce the newest of `roots` (oldest first) that fit into one body, and a card."""
        texts = [raw.decode() for raw in roots[-MAX_ANNOUNCED_ROOTS:]]
        shown = card.decode() if card is not None else None
        while True:
            made = cls(organisation=organisation, roots=tuple(texts), card=shown)
            if len(made.encode()) <= MAX_ANNOUNCEMENT_BYTES or len(texts) == 1:
                return made
            texts = texts[len(texts) // 2 :]

    @classmethod
    def parse(cls, raw: bytes) -> "Announcement":
        """Read an announcement's body; raises AnnouncementMalformed."""
        try:
            fields = parse(raw, MAX_ANNOUNCEMENT_BYTES, MAX_ANNOUNCEMENT_DEPTH, _MAX_ITEMS)
            return cls.model_validate(fields)
        except StrictJsonError as error:
            raise AnnouncementMalformed(f"no announcement: {error}") from None
        except ValidationError as error:
            where = ".".join(str(part)[:64] for part in error.errors()[0]["loc"])
            raise AnnouncementMalformed(f"no announcement: member {where} is wrong") from None

    def encode(self) -> bytes:
        """Return the body: canonical JSON."""
        return dumps(self.model_dump(mode="json"))
