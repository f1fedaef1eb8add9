"""What can be wrong with content.db and content_keys.db.

ContentError
├── ContentDamaged   one of the files is no database of ours, or belongs to another log or key
├── ContentTooNew    a later release has written it
└── ContentBusy      what was to be written has not been, within the time that callers wait
"""

from node.room_error import RoomError


class ContentError(RoomError):
    """What is kept beside the log cannot be used; the message names the cause, ``fix`` the fix."""

    fix = "Run `interlingua doctor`."


class ContentDamaged(ContentError):
    """A file is damaged, or is not the one that belongs to this log and these keys."""

    fix = (
        "Put back keys/content.key, content_keys.db and content.db as they belong together; or "
        "move the three away: what was kept is then lost, and the log is not."
    )


class ContentTooNew(ContentError):
    """The schema is later than this release knows; it never goes back."""

    fix = (
        "Run the release that wrote it, or a later one. To go back, restore a backup that was made "
        "before the upgrade (docs/operations.md, Upgrades)."
    )


class ContentBusy(ContentError):
    """Content waits to be written for longer than a caller waits."""

    fix = "Ask again in a moment; if it stays so, the disk is too slow for this load."
