"""What can be wrong with a collection.

CollectionError
├── UnknownCollection   no collection of that name
├── CollectionExists    the name is taken
└── BadCollectionName   the name cannot be one

`failure` says to the operations' framework whose fault it is.
"""

from typing import ClassVar


class CollectionError(Exception):
    """A collection cannot do what was asked; the message names the cause and the fix."""

    failure: ClassVar[str] = "failed"


class UnknownCollection(CollectionError):
    """No collection has this name."""

    failure = "not-found"


class CollectionExists(CollectionError):
    """A collection of this name exists already."""

    failure = "conflict"


class BadCollectionName(CollectionError):
    """Names go into grants, URLs and file names, so they are short and plain."""

    failure = "invalid-request"
