"""What can be wrong with store.db.

StoreError
├── StoreDamaged   the file is no SQLite database, or SQLite finds it broken
└── StoreTooNew    a later release of interlingua has written it
"""

from node.room_error import RoomError


class StoreError(RoomError):
    """store.db cannot be used; the message names the cause and the fix."""

    fix = "Restore store.db from a backup."


class StoreDamaged(StoreError):
    """The file is not a database that SQLite can read. Restore it from a backup."""

    fix = "Restore store.db from a backup."


class StoreTooNew(StoreError):
    """The schema is later than this release knows; migrations only go forward."""

    fix = (
        "Run the release that wrote it, or a later one. To go back, restore a backup that was made "
        "before the upgrade (docs/operations.md, Upgrades)."
    )
