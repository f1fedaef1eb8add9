"""Manifests of shared spaces, and the consensus files that they pin."""

from functools import cache

from adapters.tensor_file import file_digest
from keys.signer import SeedSigner
from node.spaces.errors import ManifestRefused
from node.spaces.manifest import SPACE_TYPE, accept_manifest, accept_positions, sign_manifest
from tests.fuzz.choices import Choices
from tests.fuzz.long import main
from tests.fuzz.mutate import changed_bytes
from tests.fuzz.signed import resigned
from tests.fuzz.target import Target
from tests.node.spaces.consortium import AT, created, ring

AUTHOR = SeedSigner.from_seed(bytes([1]) * 32)
RINGS = {"a.example": ring(AUTHOR)}
POSITIONS = b"\0positions"
"""Before a consensus file, to tell it from a manifest."""


@cache
def valid() -> list[bytes]:
    """A signed manifest and its consensus file."""
    manifest, positions = created()
    return [sign_manifest(manifest, [AUTHOR]), POSITIONS + positions.encoded]


def manifests() -> list[bytes]:
    """The manifests among what is valid."""
    return valid()[:1]


def nearly(choices: Choices) -> bytes:
    """A manifest that says something else, or a file whose head does."""
    if choices.below(3):
        return resigned(SPACE_TYPE, manifests, [AUTHOR])(choices)
    raw = valid()[1][len(POSITIONS) :]
    size = 8 + int.from_bytes(raw[:8], "little")
    head = changed_bytes(raw[8:size], choices, 2)
    return POSITIONS + len(head).to_bytes(8, "little") + head + raw[size:]


def read(raw: bytes) -> None:
    """Accept a manifest, or a consensus file as if the manifest pinned it."""
    if not raw.startswith(POSITIONS):
        accept_manifest(raw, RINGS.get, AT)
        return
    file = raw[len(POSITIONS) :]
    accept_positions(file, created()[0].model_copy(update={"consensus": file_digest(file)}))


TARGET = Target(
    "manifest",
    "a manifest or consensus file is accepted, or ManifestRefused",
    read,
    (ManifestRefused,),
    valid,
    nearly,
)

if __name__ == "__main__":
    main(TARGET)
