"""What can be wrong with the audit log.

    AuditError
    ├── LogUnavailable     the entry was not committed (disk, fsync, closed): nothing was logged
    │   ├── LogBusy        too many entries wait already; the entry was not even queued
    │   └── LogHeld        the node must settle first what partners hold of it: nothing is logged
    ├── TooManyReadings    a token began too many readings of the log within the hour
    ├── AlreadyRecorded    the entry's nonce or idempotency key is recorded and still live
    └── LogRefused         log.db must not be appended to
        ├── LogDamaged     its tables do not agree with each other, or SQLite finds it broken
        ├── LogShortened   it holds fewer leaves than its last signed checkpoint
        ├── LogForeign     it belongs to another origin or was signed with another key
        └── LogTooNew      a later release has written it

``failure`` and ``fix`` are read by ``node.operations.errors.translate``.
"""

from typing import ClassVar


class AuditError(Exception):
    """The audit log could not do what was asked; the message names the cause, ``fix`` the fix."""

    failure: ClassVar[str] = "failed"
    code: ClassVar[str] = "audit-log"
    fix: str = ""

    def __init__(self, cause: str, *, fix: str = "") -> None:
        super().__init__(cause)
        self.fix = fix or self.fix


class LogUnavailable(AuditError):
    """The entry is not in the log, and whatever it stands for must not happen."""

    failure = "unavailable"
    code = "log-unavailable"
    fix = "Check the disk under the data directory (space, errors, mount), then ask again."


class LogBusy(LogUnavailable):
    """More entries wait than the log may hold in memory."""

    code = "log-busy"
    fix = "Ask again in a moment; if it stays so, the disk is too slow for this load."


class LogHeld(LogUnavailable):
    """Partners may hold more of this log than it has, so nothing is appended to it."""

    code = "log-held"
    fix = "Run `interlingua doctor`; it names what partners hold and what to do."


class TooManyReadings(AuditError):
    """A token reads so much that its `audit-read` leaves alone would make the log grow."""

    failure = "unavailable"
    code = "too-many-readings"
    fix = (
        "Go on with the readings that were begun, or wait; for much at once ask for a bundle "
        "(`interlingua audit export`) or follow the tiles of entries, which is one reading."
    )


class AlreadyRecorded(AuditError):
    """A nonce or idempotency key that is still live was recorded before."""

    failure = "conflict"
    code = "already-recorded"
    fix = "Sign a new request with a fresh nonce and idempotency key."


class LogRefused(AuditError):
    """log.db cannot be continued; appending to it could contradict what was signed before."""

    failure = "not-verified"
    code = "log-refused"
    fix = (
        "Keep the file for the auditor, run `interlingua audit fsck`, and restore the newest "
        "backup that holds at least the last checkpoint."
    )


class LogDamaged(LogRefused):
    """The tables of log.db contradict each other, or SQLite cannot read it."""

    code = "log-damaged"


class LogShortened(LogRefused):
    """Leaves that a signed checkpoint covers are missing."""

    code = "log-shortened"


class LogForeign(LogRefused):
    """The log's origin or key is not this node's."""

    code = "log-foreign"
    fix = (
        "Put back the log.key and the organisation name that this log.db was begun with, or give "
        "this node its own log.db."
    )


class LogTooNew(LogRefused):
    """The schema is later than this release knows; it never goes back."""

    code = "log-too-new"
    fix = (
        "Run the release that wrote it, or a later one. To go back, restore a backup that was made "
        "before the upgrade (docs/operations.md, Upgrades)."
    )
