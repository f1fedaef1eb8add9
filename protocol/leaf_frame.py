"""What all audit leaves share: version, type, time, salt, partner, and the canonical encoding.

Rule of this file: an absent field is left out, never ``null``, so that a later version may add a
field without changing what an earlier leaf hashes to.
"""

import base64
import secrets
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from protocol.canonical import dumps
from protocol.log_errors import MalformedLeaf

MAX_LEAF_BYTES = 65_535  # bytes; C2SP tlog-tiles prefixes each entry with a 16-bit length
SALT_BYTES = 16

Salt = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{22}$")]
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
KeyId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
Organisation = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,252}$")]
CollectionName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Purpose = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9._-]{0,63}$")]
Label = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{1,256}$")]
Time = Annotated[int, Field(ge=0, le=2**53 - 1)]
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]


def new_salt() -> str:
    """Return 128 fresh random bits, base64url without padding."""
    return base64.urlsafe_b64encode(secrets.token_bytes(SALT_BYTES)).rstrip(b"=").decode("ascii")


class Leaf(BaseModel):
    """The frame of every leaf: format version, type, time (epoch seconds UTC), salt, partner.

    ``type`` is each subclass's own literal; ``peer`` is ``None`` where no partner is concerned.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    v: Literal[1] = 1
    type: str
    at: Time
    salt: Salt = Field(default_factory=new_salt)
    peer: Organisation | None = None

    def encode(self) -> bytes:
        """Return the canonical bytes that enter the tree; ``MalformedLeaf`` if too many."""
        raw = dumps(self.model_dump(mode="json", exclude_none=True))
        if len(raw) > MAX_LEAF_BYTES:
            raise MalformedLeaf(f"a leaf has at most {MAX_LEAF_BYTES} bytes, this one {len(raw)}")
        return raw
