"""Bodies of the endpoint for announcements, which nobody has to sign, and what becomes of them."""

from functools import cache

import orjson

from node.federation.announcements import newer_than
from node.federation.peer import read_peer
from protocol.announcement import Announcement, AnnouncementMalformed
from protocol.document import DocumentRefused
from protocol.dsse import sign
from protocol.root import ROOT_TYPE
from tests.fuzz.choices import Choices
from tests.fuzz.long import main
from tests.fuzz.mutate import changed_json, spelled
from tests.fuzz.target import Target
from tests.node.federation.party import NOW, Party
from tests.protocol.organisation import signer

PARTY = Party(
    "clinic.example",
    keys={
        "root": signer("root 1"),
        "card": signer("card 1"),
        "sign": signer("sign 1"),
        "log": signer("log 1"),
    },
)
HELD = read_peer(PARTY.record())


@cache
def valid() -> list[bytes]:
    """What is held already, and two versions after it with their card."""
    roots = [PARTY.root(version) for version in (1, 2, 3)]
    signed = [PARTY.signed_root(each) for each in roots]
    card = PARTY.signed_card(PARTY.card(serial=2, root=roots[-1]))
    return [
        Announcement.of("clinic.example", signed[:1], PARTY.signed_card()).encode(),
        Announcement.of("clinic.example", signed, card).encode(),
    ]


def nearly(choices: Choices) -> bytes:
    """One with other members, or with a changed root document that the root key signed again."""
    document = orjson.loads(choices.pick(valid()))
    if choices.below(2):
        return spelled(changed_json(document, choices), choices)
    payload = orjson.loads(PARTY.root(2).payload)
    changed = spelled(changed_json(payload, choices), choices)
    document["roots"] = [*document["roots"][:1]] if choices.below(2) else []
    document["roots"].append(sign(changed, ROOT_TYPE, [PARTY.keys["root"]]).decode())
    return orjson.dumps(document)


def read(raw: bytes) -> None:
    """Read it, and take over what is newer, as the node does."""
    announced = Announcement.parse(raw)
    roots = [root.encode() for root in announced.roots]
    newer = newer_than(HELD.root, HELD.record.root.encode(), roots)
    renewed, _ = HELD.renewed(newer, None, NOW)
    if announced.card is not None:
        renewed.renewed((), announced.card.encode(), NOW)


TARGET = Target(
    "announcement",
    "an announcement is read and taken over, or AnnouncementMalformed, or DocumentRefused",
    read,
    (AnnouncementMalformed, DocumentRefused),
    valid,
    nearly,
)

if __name__ == "__main__":
    main(TARGET)
