"""What can be wrong with a backup, and with a node that was restored from one.

BackupError
├── BackupExists        a file of that name is there already; nothing is overwritten
├── BackupFailed        the node cannot be backed up as it is, or the archive not be written
├── ArchiveRefused      nothing is restored from this file
│   ├── ArchiveDamaged      it is no backup, or a part of it was changed
│   ├── ArchiveTruncated    its end is missing
│   ├── ArchiveOversized    more or larger parts than a backup has, or than the disk has room
│   ├── ArchiveUnsafe       a part would land outside the directory, or is none of a node's
│   ├── ArchiveSealed       it needs a passphrase
│   └── WrongPassphrase     the passphrase does not open it
├── TargetNotEmpty      there is something in the directory already
└── NotSettled          a restored node that may neither answer nor ask yet
    ├── NodeBehind          partners hold more of it than it has itself
    └── NotCompared         some partner could not be asked what it holds
"""

from typing import ClassVar

from node.room_error import RoomError


class BackupError(RoomError):
    """A backup was not written or not restored; the cause names why, `fix` what to do."""

    code: ClassVar[str] = "backup"
    fix = "Look at the file and the disk, then run the command again."


class BackupExists(BackupError):
    """Something is there under the name of the new archive."""

    failure = "conflict"
    code = "backup-exists"
    fix = "Give another name; an archive never replaces a file."


class BackupFailed(BackupError):
    """The archive was not written, and nothing was left under its name."""

    code = "backup-failed"
    fix = "Run `interlingua doctor`, see that the disk has room, then run the command again."


class ArchiveRefused(BackupError):
    """Nothing was restored from the file."""

    failure = "not-verified"
    code = "archive-refused"
    fix = "Use another copy of the archive, or another backup."


class ArchiveDamaged(ArchiveRefused):
    """Its bytes are not those of a backup, or not those that its manifest names."""

    code = "archive-damaged"


class ArchiveTruncated(ArchiveRefused):
    """It ends too early."""

    code = "archive-truncated"


class ArchiveOversized(ArchiveRefused):
    """It claims more than a backup may hold, or than fits on the disk."""

    code = "archive-oversized"
    fix = "Make room on the disk, or use another copy of the archive."


class ArchiveUnsafe(ArchiveRefused):
    """A part's name leads out of the directory, or to what no backup holds."""

    code = "archive-unsafe"
    fix = "Do not restore it: no backup is written like this. Use one that you made yourself."


class ArchiveSealed(ArchiveRefused):
    """It is sealed and no passphrase was given."""

    failure = "invalid-request"
    code = "archive-sealed"
    fix = "Give --passphrase-file, or run it on a terminal and type the passphrase."


class WrongPassphrase(ArchiveRefused):
    """The passphrase is another one, or the head of the archive was changed."""

    code = "wrong-passphrase"
    fix = "Give the passphrase with which the archive was sealed."


class TargetNotEmpty(BackupError):
    """The directory to restore into holds something."""

    failure = "conflict"
    code = "directory-not-empty"
    fix = "Name a new directory with --data, or move this one away first."


class NotSettled(BackupError):
    """The node was restored and must not answer, ask or log before it is settled."""

    failure = "conflict"
    code = "not-settled"
    fix = "Start it with `interlingua serve`: it compares itself with its partners first."


class NodeBehind(NotSettled):
    """Going on would contradict what this node has signed before."""

    code = "node-behind"
    fix = (
        "Restore a newer backup; where there is none: interlingua restore FILE --after-loss "
        "--data NEW_DIRECTORY"
    )


class NotCompared(NotSettled):
    """Not every partner could be asked, and nobody has decided to go on without it."""

    failure = "unavailable"
    code = "not-compared"
