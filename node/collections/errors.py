"""What can be wrong with a collection.

CollectionError
├── UnknownCollection   no collection of that name
├── CollectionExists    the name is taken
├── BadCollectionName   the name cannot be one
├── GoldenInvalid       a file of golden questions says something else
├── VersionIncomplete   some documents have no vectors in the version
└── VersionNotFit       the version cannot do what was asked of it, in the state that it is in

`failure` says to the operations' framework whose fault it is.
"""

from node.room_error import RoomError


class CollectionError(RoomError):
    """A collection cannot do what was asked; the message names the cause and the fix."""

    fix = "See `interlingua collection list`."


class UnknownCollection(CollectionError):
    """No collection has this name."""

    failure = "not-found"
    fix = (
        "`interlingua collection list` shows those there are; `interlingua collection create` makes"
        " one."
    )


class CollectionExists(CollectionError):
    """A collection of this name exists already."""

    failure = "conflict"
    fix = "Ingest into it, or choose another name."


class BadCollectionName(CollectionError):
    """Names go into grants, URLs and file names, so they are short and plain."""

    failure = "invalid-request"
    fix = "Use 1 to 64 of a-z, 0-9, - and _, beginning with a letter or digit."


class VersionIncomplete(CollectionError):
    """Documents have no vectors in the version; they would not be found."""

    failure = "conflict"
    fix = "Let `interlingua collection migrate` encode them."


class VersionNotFit(CollectionError):
    """The version serves, was retired, or is of a space for which it makes no sense."""

    failure = "conflict"
    fix = "See `interlingua catalog`."


class GoldenInvalid(CollectionError):
    """A file of golden questions cannot be read as such."""

    failure = "invalid-request"
    fix = 'Write one object a line: {"question": "...", "relevant": ["id", ...]}.'
