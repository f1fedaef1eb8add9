"""What can be wrong with store.db.

StoreError
├── StoreDamaged      the file is no SQLite database, or SQLite finds it broken
├── StoreTooNew       a later release of interlingua has written it
└── StoreUnwritable   the disk takes nothing more, or refuses
"""

from node.room_error import RoomError


class StoreError(RoomError):
    """store.db cannot be used; the message names the cause and the fix."""

    fix = "Restore store.db from a backup."


class StoreDamaged(StoreError):
    """The file is not a database that SQLite can read. Restore it from a backup."""

    fix = "Restore store.db from a backup."


class StoreUnwritable(StoreError):
    """What was being written is not kept, and what was kept before stays."""

    fix = "Make room on the disk of the data directory, or mend it; then repeat the command."


class StoreTooNew(StoreError):
    """The schema is later than this release knows; migrations only go forward."""

    fix = (
        "Run the release that wrote it, or a later one. To go back, restore a backup that was made "
        "before the upgrade (docs/operations.md, Upgrades)."
    )
