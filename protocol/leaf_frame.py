"""What all audit leaves share: version, type, time, salt, partner, and the canonical encoding.

Rule of this file: an absent field is left out, never ``null``, so that a later version may add a
field without changing what an earlier leaf hashes to.
"""

import secrets
from typing import Annotated

from pydantic import Field, StringConstraints

from protocol.canonical import dumps_typed
from protocol.limits import MAX_LEAF_BYTES, SALT_BYTES
from protocol.log_errors import MalformedLeaf
from protocol.notation import Organisation, Time, Version1, WireModel, to_base64url
from protocol.own_values import members

Salt = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{22}$")]


def new_salt() -> str:
    """Return 128 fresh random bits, base64url without padding."""
    return to_base64url(secrets.token_bytes(SALT_BYTES))


class Leaf(WireModel):
    """The frame of every leaf: format version, type, time (epoch seconds UTC), salt, partner.

    ``type`` is each subclass's own literal; ``peer`` is ``None`` where no partner is concerned.
    """

    v: Version1 = 1
    type: str
    at: Time
    salt: Salt = Field(default_factory=new_salt)
    peer: Organisation | None = None

    def encode(self) -> bytes:
        """Return the canonical bytes that enter the tree; ``MalformedLeaf`` if too many."""
        raw = dumps_typed(members(self), members)
        if len(raw) > MAX_LEAF_BYTES:
            raise MalformedLeaf(f"a leaf has at most {MAX_LEAF_BYTES} bytes, this one {len(raw)}")
        return raw
