"""What is announced is read only where a known root key signed it."""

from keys.ring import KeyRecord
from node.federation.announcements import newer_than
from protocol.root import RootDocument
from protocol.root_changes import successor, with_root
from tests.protocol.organisation import DAY_S, NOW, root, signed_root, signer


def following(document: RootDocument) -> RootDocument:
    return successor(document, NOW, url=document.url, authorities=document.authorities)


SECOND = following(root())
NEW_ROOT = KeyRecord.of(signer("root 2").public, "root", NOW - 5, NOW + 365 * DAY_S)
THIRD = with_root(following(SECOND), NEW_ROOT)
FOURTH = following(THIRD)
CHAIN = [
    signed_root(root()),
    signed_root(SECOND),
    signed_root(THIRD, "root 1", "root 2"),
    signed_root(FOURTH, "root 2"),
]


def test_the_versions_after_the_held_one_are_found_also_across_a_new_root_key() -> None:
    assert newer_than(root(), CHAIN) == CHAIN[1:]
    assert newer_than(SECOND, CHAIN) == CHAIN[2:]
    assert newer_than(THIRD, CHAIN) == CHAIN[3:]
    assert newer_than(FOURTH, CHAIN) == []


def test_what_no_known_root_key_signed_is_left_out() -> None:
    strange = signed_root(SECOND, "somebody")
    assert newer_than(root(), [strange, b"{", CHAIN[1]]) == [CHAIN[1]]
    assert newer_than(root(), [CHAIN[3]]) == []
