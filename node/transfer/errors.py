"""What can be wrong with a collection that moves.

TransferError
├── SourceUnreadable   the file or server cannot be read, or is none of the kinds that are known
├── ExtraMissing       a library that this kind needs is not installed
└── NotAsTold          the vectors are not what the envelope, the counts or the digest say
"""

from node.room_error import RoomError


class TransferError(RoomError):
    """A collection cannot be moved; the message names the cause and the fix. Never holds a text."""

    failure = "invalid-request"
    fix = "See docs/collection-files.md."


class SourceUnreadable(TransferError):
    """Nothing can be read from it, or not to its end."""

    fix = "Check the path or address, and that the node's user may read it."


class ExtraMissing(TransferError):
    """The kind of source needs a library that is not installed."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(
            f"this kind needs {library}, which is not installed",
            fix=f"pip install 'interlingua[{extra}]', or use .npy, which needs nothing.",
        )


class NotAsTold(TransferError):
    """What was read contradicts what is said of it; nothing of it was taken."""

    fix = "Export it again from where it comes; docs/collection-files.md says what is checked."
