"""A manifest that takes another's place: who must have agreed, and where the former one is found.

The rule of this file: what replaces a space is signed by as many of the *former* manifest's
signatories as the former one needed, besides what it asks for itself. Otherwise one member could
publish a successor with members and a number of signatures to its liking. The former manifest is
one that this node has joined, and so accepted, or lies beside; then it must count itself, and if it
replaces one in turn, that must be right too, or a manifest in between would launder the first.

A manifest that names no former one is another space beside those there are, and replaces none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from node.spaces.errors import ReplacementRefused
from node.spaces.manifest import (
    RingOf,
    SpaceManifest,
    accept_manifest,
    read_manifest,
    signed_by,
)


@dataclass(frozen=True)
class Formers:
    """The manifests that another may replace, by digest.

    `joined` were accepted when this node joined them; `beside` are signed ones that nobody vouches
    for yet, as they lie beside the manifest in question.
    """

    joined: Mapping[str, SpaceManifest] = field(default_factory=dict)
    beside: Mapping[str, bytes] = field(default_factory=dict)

    def of_joined(self, manifest: SpaceManifest) -> bool:
        """Whether it takes the place of a space that this node has joined."""
        return manifest.replaces in self.joined

    def former(self, manifest: SpaceManifest) -> SpaceManifest | None:
        """Return the manifest whose place it takes; None where it takes nobody's.

        Raises ReplacementRefused: it is not at hand.
        """
        if manifest.replaces is None:
            return None
        if manifest.replaces in self.joined:
            return self.joined[manifest.replaces]
        if manifest.replaces in self.beside:
            return read_manifest(self.beside[manifest.replaces])
        raise ReplacementRefused(
            f"{manifest.name} replaces a space that this node has not joined "
            f"({manifest.replaces}), so nobody can tell whether its members agreed",
            fix="Put the former manifest, NAME.space.json, beside the new one.",
        )


def accept_space(raw: bytes, formers: Formers, ring_of: RingOf, at: int) -> SpaceManifest:
    """Return the manifest in `raw` if it counts, also as what it replaces.

    Raises:
        ManifestRefused: another form, or too few signatures that can be verified here.
        ReplacementRefused: the former manifest is not at hand, or too few of its members signed.
    """
    accepted = newer = accept_manifest(raw, ring_of, at)
    while (former := formers.former(newer)) is not None:  # ends: no digest is in its own preimage
        _check_agreed(newer, raw, former, ring_of, at)
        if formers.of_joined(newer):
            break
        raw = formers.beside[former.digest]
        newer = accept_manifest(raw, ring_of, at)
    return accepted


def _check_agreed(
    newer: SpaceManifest, raw: bytes, former: SpaceManifest, ring_of: RingOf, at: int
) -> None:
    agreed = signed_by(raw, former.signatories, ring_of, at)
    if len(agreed) >= former.threshold:
        return
    unknown = sorted(name for name in former.signatories if ring_of(name) is None)
    hint = f"; not partners here: {', '.join(unknown)}" if unknown else ""
    raise ReplacementRefused(
        f"{newer.name} replaces {former.name}, which needs valid signatures of {former.threshold} "
        f"of the {len(former.signatories)} that could sign {former.name}; {len(agreed)} verify "
        f"here{hint}"
    )
