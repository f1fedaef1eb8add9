"""Announcements of root document and card, which nobody has to sign."""

from functools import cache

import orjson

from protocol.announcement import Announcement, AnnouncementMalformed
from tests.fuzz.choices import Choices
from tests.fuzz.long import main
from tests.fuzz.mutate import changed_json, spelled
from tests.fuzz.target import Target
from tests.protocol.organisation import card, root, signed_card, signed_root


@cache
def valid() -> list[bytes]:
    """One of both documents."""
    documents = [signed_root(root())], signed_card(card())
    return [Announcement.of("clinic.example", *documents).encode()]


def nearly(choices: Choices) -> bytes:
    """One with other members."""
    return spelled(changed_json(orjson.loads(valid()[0]), choices), choices)


TARGET = Target(
    "announcement",
    "an announcement is read, or AnnouncementMalformed",
    Announcement.parse,
    (AnnouncementMalformed,),
    valid,
    nearly,
)

if __name__ == "__main__":
    main(TARGET)
