"""What can be wrong with what is brought in.

IngestError
└── BadRecord   one line or row of a file; the message begins with FILE:LINE
"""

from node.room_error import RoomError


class IngestError(RoomError):
    """The file cannot be brought in; the message names where, the cause and the fix.

    Batches before the fault are kept: correct the file and run the same command again. Never holds
    a document's text.
    """

    failure = "invalid-request"
    fix = "Correct the file and run the same command again."


class BadRecord(IngestError):
    """One record cannot be brought in."""

    def __init__(self, where: str, cause: str, *, fix: str = "") -> None:
        super().__init__(f"{where}: {cause}", fix=fix)
