"""What can be wrong with anchors and shared spaces.

SpaceError
├── AnchorsRefused     a file holds no usable anchor texts
├── UnknownAnchors     no anchor set of that name or id
├── NotEmbedded        the anchor set has not been embedded with that encoder
├── FileTooLong        a file that was handed over is longer than any of its kind
├── EmbeddingsRefused  a file of embeddings is damaged, of other texts, or not the one pinned
├── ManifestRefused    a manifest does not verify, or its consensus is another one
│   └── ReplacementRefused  too few of the former space's members agreed, or it is not known
├── NoManifest         a folder holds no manifest, or several
├── CannotJoin         the own embeddings are not those that the manifest pins
├── SpaceDamaged       what was kept of a joined space cannot be read
├── UnknownSpace       no shared space of that name or id was joined
└── SpaceExists        the name is taken by another one

`failure` says to the operations' framework whose fault it is.
"""

from node.room_error import RoomError


class SpaceError(RoomError):
    """Anchors or a shared space cannot do what was asked; the message names cause and fix."""

    fix = "See `interlingua space list` and docs/shared-space.md."


class AnchorsRefused(SpaceError):
    """A file holds no usable anchor texts."""

    failure = "invalid-request"
    fix = "Correct the file; docs/shared-space.md says what an anchor set is."


class UnknownAnchors(SpaceError):
    """No anchor set has this name or id."""

    failure = "not-found"
    fix = "`interlingua anchors list` shows those there are; `interlingua anchors import` adds one."


class NotEmbedded(SpaceError):
    """The anchor set has not been embedded with that encoder, or not wholly."""

    failure = "conflict"
    fix = "interlingua anchors embed SET --encoder ENCODER"


class EmbeddingsRefused(SpaceError):
    """A file of anchor embeddings is damaged, of other texts, or not the one that was pinned."""

    failure = "not-verified"
    fix = "Get the file again from the member that made it (`interlingua anchors export`)."


class FileTooLong(SpaceError):
    """A file that a member handed over is longer than any of its kind."""

    failure = "invalid-request"
    fix = "Check that it is the file that is meant; use fewer anchors where it is."


class ManifestRefused(SpaceError):
    """A manifest does not verify, or the consensus beside it is another one."""

    failure = "not-verified"
    fix = "Get the manifest and its consensus file again from the author."


class ReplacementRefused(ManifestRefused):
    """A manifest that replaces another is not signed by as many of its members as that needed."""

    fix = "Let members of the former space sign it (`interlingua space sign`)."


class NoManifest(SpaceError):
    """A folder holds no manifest, or several."""

    failure = "invalid-request"
    fix = "Name the manifest that is meant."


class CannotJoin(SpaceError):
    """The own embeddings are not those that the manifest pins."""

    failure = "conflict"
    fix = "Restore the embeddings from a backup, or ask for a new shared space."


class UnknownSpace(SpaceError):
    """No shared space of this name or id was joined."""

    failure = "not-found"
    fix = "`interlingua space list` shows those joined; `interlingua space join` joins one."


class SpaceExists(SpaceError):
    """The name is taken by another shared space or anchor set."""

    failure = "conflict"
    fix = "Choose another name."


class SpaceDamaged(SpaceError):
    """What was kept of a joined space cannot be read."""

    failure = "not-verified"
    fix = "Restore it from a backup, or leave the space and join it again."
