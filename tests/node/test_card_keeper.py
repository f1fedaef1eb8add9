"""The card is always valid, follows what is offered, and its serial never goes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from node.card_keeper import RENEW_AFTER_S, CardKeeper, Offered
from node.clock import system_clock
from node.identity import Identity
from node.operations.errors import Unavailable
from node.passphrase import Passphrase
from protocol.card import Card, accept_card
from protocol.envelope import Envelope
from protocol.limits import ROOT_LIFETIME_S
from tests.conftest import NewNode

NOTHING = Offered(spaces=(), routes=())


def envelope(model: str) -> Envelope:
    return Envelope.model_validate(
        {
            "provider": "test",
            "model": model,
            "revision": "1",
            "dimension": 8,
            "pooling": "mean",
            "normalisation": "l2",
            "similarity": "cosine",
            "prompts": {"query": f"sha256:{'0' * 64}", "document": f"sha256:{'0' * 64}"},
        }
    )


@dataclass
class World:
    """A keeper with a clock and an offer that a test can turn."""

    identity: Identity
    path: Path
    now: int
    offered: Offered = field(default=NOTHING)
    log: str = "clinic.example/log"

    def keeper(self) -> CardKeeper:
        return CardKeeper(
            self.identity, self.log, self.path, lambda: self.offered, lambda: self.now
        )

    def accepted(self, raw: bytes, previous: Card | None = None) -> Card:
        return accept_card(raw, self.identity.root, previous, self.now)


@pytest.fixture
def world(new_node: NewNode) -> World:
    now = system_clock()
    identity = Identity.open(new_node.data, new_node.settings, Passphrase(), lambda: now)
    return World(identity, new_node.data.card_file, now)


def test_partners_accept_the_first_card(world: World) -> None:
    card, raw = world.keeper().current()
    assert world.accepted(raw) == card
    assert card.log_kid == world.identity.kid("log")


def test_a_card_stays_the_same_while_nothing_changes(world: World) -> None:
    keeper = world.keeper()
    first = keeper.current()
    world.now += RENEW_AFTER_S - 10
    assert keeper.current() == first
    assert world.keeper().current() == first, "also across a restart"


def test_a_card_is_renewed_long_before_it_expires(world: World) -> None:
    keeper = world.keeper()
    first, _ = keeper.current()
    world.now += RENEW_AFTER_S
    second, raw = keeper.current()
    assert world.accepted(raw, first) == second
    assert second.serial > first.serial
    assert second.expires > first.expires


def test_a_card_follows_what_is_offered(world: World) -> None:
    keeper = world.keeper()
    first, _ = keeper.current()
    world.offered = Offered(spaces=(envelope("a"),), routes=())
    second, raw = keeper.current()
    assert world.accepted(raw, first).spaces == world.offered.spaces
    assert second.serial > first.serial


def test_a_card_follows_the_root_document(world: World) -> None:
    keeper = world.keeper()
    first, _ = keeper.current()
    world.identity.renew_root()
    _, raw = keeper.current()
    assert world.accepted(raw, first).root_version == 2


def test_a_card_names_the_log_that_is_open_now(world: World) -> None:
    before, _ = world.keeper().current()
    world.log = "clinic.example/log-2"
    after, raw = world.keeper().current()
    assert (before.log_origin, after.log_origin) == ("clinic.example/log", "clinic.example/log-2")
    assert world.accepted(raw, before) == after


@pytest.mark.parametrize("content", [None, b"", b"{}", b"damaged"])
def test_the_serial_grows_even_when_the_file_was_lost(world: World, content: bytes | None) -> None:
    keeper = world.keeper()
    for model in ("a", "b", "c"):
        world.now += 1
        world.offered = Offered(spaces=(envelope(model),), routes=())
        last, _ = keeper.current()
    world.path.unlink()
    if content is not None:
        world.path.write_bytes(content)
    world.now += 1
    card, raw = world.keeper().current()
    assert world.accepted(raw, last) == card


def test_many_changes_in_one_second_still_count_up(world: World) -> None:
    keeper, last = world.keeper(), None
    for model in ("a", "b", "c"):
        world.offered = Offered(spaces=(envelope(model),), routes=())
        card, raw = keeper.current()
        assert world.accepted(raw, last) == card
        last = card


def test_a_clock_that_was_set_back_does_not_keep_a_card_of_the_future(world: World) -> None:
    keeper = world.keeper()
    first, _ = keeper.current()
    world.now -= 100
    second, _ = keeper.current()
    assert second.issued == world.now
    assert second.serial > first.serial


def test_no_card_is_signed_under_an_expired_root_document(world: World) -> None:
    keeper = world.keeper()
    world.now += ROOT_LIFETIME_S
    with pytest.raises(Unavailable) as refused:
        keeper.current()
    assert refused.value.code == "root-expired"
