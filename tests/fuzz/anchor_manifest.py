"""Signed descriptions of anchor sets."""

from functools import cache

from keys.signer import SeedSigner
from node.spaces.anchor_manifest import (
    ANCHORS_TYPE,
    accept_anchors,
    describe,
    read_anchor_manifest,
    sign_anchors,
)
from node.spaces.errors import AnchorsRefused
from tests.fuzz.long import main
from tests.fuzz.signed import resigned
from tests.fuzz.target import Target
from tests.node.spaces.consortium import AT, anchor_set, ring

AUTHOR = SeedSigner.from_seed(bytes([1]) * 32)
RINGS = {"a.example": ring(AUTHOR)}


@cache
def valid() -> list[bytes]:
    """A signed manifest of known texts."""
    made = describe("public", "a.example", anchor_set(), "public", "CC0-1.0", AT)
    return [sign_anchors(made, [AUTHOR])]


def read(raw: bytes) -> None:
    """Read a manifest as a folder's is, then accept it beside its texts."""
    read_anchor_manifest(raw)
    accept_anchors(raw, anchor_set(), RINGS.get, AT)


TARGET = Target(
    "anchor_manifest",
    "the description of an anchor set is accepted, or AnchorsRefused",
    read,
    (AnchorsRefused,),
    valid,
    resigned(ANCHORS_TYPE, valid, [AUTHOR]),
)

if __name__ == "__main__":
    main(TARGET)
