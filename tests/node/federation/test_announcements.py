"""What is announced is read only where a known root key signed it."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from keys.ring import KeyRecord
from node.federation import announcements
from node.federation.announcements import (
    MAX_WAITING,
    MAX_WAITING_OF_ONE,
    Announcements,
    newer_than,
)
from node.federation.peer import Peer
from node.federation.peers import PeerBook
from protocol.root import RootDocument, read_root
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


FIFTH = following(FOURTH)


def test_the_versions_after_the_held_one_are_found_also_across_a_new_root_key() -> None:
    assert newer_than(root(), CHAIN[0], CHAIN) == CHAIN[1:]
    assert newer_than(SECOND, CHAIN[1], CHAIN) == CHAIN[2:]
    assert newer_than(THIRD, CHAIN[2], CHAIN) == CHAIN[3:]
    assert newer_than(FOURTH, CHAIN[3], CHAIN) == []


def test_versions_are_found_where_the_held_one_is_not_among_them() -> None:
    assert newer_than(SECOND, CHAIN[1], CHAIN[2:]) == CHAIN[2:]


def test_it_ends_at_what_no_known_root_key_signed() -> None:
    strange = signed_root(SECOND, "somebody")
    assert newer_than(root(), CHAIN[0], [CHAIN[1], strange, CHAIN[2]]) == [CHAIN[1]]
    assert newer_than(root(), CHAIN[0], [b"{", CHAIN[1]]) == []
    assert newer_than(root(), CHAIN[0], [CHAIN[3]]) == []


def test_it_ends_at_what_is_known_or_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []

    def spy(raw: bytes) -> Any:
        read.append(raw)
        return read_root(raw)

    monkeypatch.setattr(announcements, "read_root", spy)
    assert newer_than(FOURTH, CHAIN[3], [CHAIN[3]] * 32) == []
    assert newer_than(FOURTH, CHAIN[3], CHAIN) == []
    assert len(read) <= 1, "what is held is recognised by its bytes"
    read.clear()
    newer = signed_root(FIFTH, "root 2")
    assert newer_than(FOURTH, CHAIN[3], [newer] * 32) == [newer]
    assert len(read) == 2


async def test_networks_that_take_all_places_give_way_to_another(tmp_path: Path) -> None:
    async def note(peer: Peer) -> None:
        raise AssertionError(peer)

    book = Announcements(PeerBook.open(tmp_path), lambda: NOW, note, lambda _: None)
    flood = [f"192.0.2.{n % (MAX_WAITING // MAX_WAITING_OF_ONE)}" for n in range(MAX_WAITING)]
    assert all(book.take(b"", network) for network in flood)
    assert not book.take(b"", flood[0])
    assert book.take(b"", "198.51.100.1")
    assert book.take(b"", "198.51.100.2")
    waiting = Counter(network for network, _ in book._waiting)
    assert waiting.total() == MAX_WAITING
    assert waiting["198.51.100.1"] == waiting["198.51.100.2"] == 1
    await book.close()
