"""What can be wrong with store.db.

StoreError
├── StoreDamaged   the file is no SQLite database, or SQLite finds it broken
└── StoreTooNew    a later release of interlingua has written it
"""


class StoreError(Exception):
    """store.db cannot be used; the message names the cause and the fix."""


class StoreDamaged(StoreError):
    """The file is not a database that SQLite can read. Restore it from a backup."""


class StoreTooNew(StoreError):
    """The schema is later than this release knows; migrations only go forward."""
