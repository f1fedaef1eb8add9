"""Partners: added by a person, changed in the order of the log, never moved back."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from keys.signer import SeedSigner
from node.federation.errors import (
    CardUnavailable,
    PeerDamaged,
    PeerExists,
    PeerNotActive,
    PeerUnknown,
    WordsDiffer,
)
from node.federation.peer import Peer, State
from node.federation.peers import PeerBook
from node.federation.transport import Transport
from protocol.document import DocumentRefused
from protocol.dsse import add_signatures
from protocol.root import ROOT_TYPE, sign_root
from tests.node.federation.party import NOW, WORDS, Party

DAY = 86_400


class Leaves:
    """`peer` leaves as the log writer would take them: guard first, then the commit."""

    def __init__(self) -> None:
        self.states: list[State] = []
        self.fails = False
        self.during: Callable[[], object] = lambda: None

    async def append(self, peer: Peer, guard: Callable[[], None]) -> None:
        self.during()
        guard()
        if self.fails:
            raise OSError("the disk is full")
        self.states.append(peer.state)


@pytest.fixture
def lab() -> Party:
    return Party("lab.example")


@pytest.fixture
def leaves() -> Leaves:
    return Leaves()


async def add(book: PeerBook, party: Party, leaves: Leaves) -> Peer:
    await book.add(party.record(), leaves.append)
    return await book.approve(party.organisation, WORDS, NOW, leaves.append)


async def test_a_pending_partner_is_nobody_until_a_person_approves_it(
    tmp_path: Path, lab: Party, leaves: Leaves
) -> None:
    book = PeerBook.open(tmp_path)
    assert (await book.add(lab.record(), leaves.append)).state == "pending"
    assert book.ring("lab.example", NOW) is None
    assert not book.is_active("lab.example")
    with pytest.raises(PeerNotActive, match="pending"):
        book.active("lab.example")
    with pytest.raises(PeerNotActive, match="pending"):
        await book.change_state("lab.example", "active", NOW, leaves.append)
    with pytest.raises(WordsDiffer):
        await book.approve("lab.example", WORDS.replace("slogan", "slow"), NOW, leaves.append)
    assert PeerBook.open(tmp_path).get("lab.example").state == "pending"
    assert (await book.approve("lab.example", WORDS, NOW, leaves.append)).state == "active"
    with pytest.raises(PeerNotActive, match="active"):
        await book.approve("lab.example", WORDS, NOW, leaves.append)


async def test_a_removed_partner_leaves_a_leaf_and_no_file(
    tmp_path: Path, lab: Party, leaves: Leaves
) -> None:
    book = PeerBook.open(tmp_path)
    await add(book, lab, leaves)
    await book.remove("lab.example", NOW, leaves.append)
    assert leaves.states == ["pending", "active", "revoked"]
    assert book.find("lab.example") is None
    assert PeerBook.open(tmp_path).all() == []
    await add(book, lab, leaves)
    await book.change_state("lab.example", "revoked", NOW, leaves.append)
    await book.remove("lab.example", NOW, leaves.append)
    assert leaves.states.count("revoked") == 2
    with pytest.raises(PeerUnknown):
        await book.remove("lab.example", NOW, leaves.append)


async def test_an_added_partner_is_active_and_survives_a_restart(
    tmp_path: Path, lab: Party, leaves: Leaves
) -> None:
    book = PeerBook.open(tmp_path)
    added = await add(book, lab, leaves)
    again = PeerBook.open(tmp_path).get("lab.example")
    assert added.state == again.state == "active"
    assert again.root == lab.root()
    assert again.card == lab.card()
    assert again.transport == Transport()
    assert leaves.states == ["pending", "active"]


async def test_a_partner_is_not_added_twice(tmp_path: Path, lab: Party, leaves: Leaves) -> None:
    book = PeerBook.open(tmp_path)
    await add(book, lab, leaves)
    with pytest.raises(PeerExists):
        await add(book, lab, leaves)


@pytest.mark.parametrize(
    ("steps", "final"),
    [(["paused"], "paused"), (["paused", "active"], "active"), (["paused", "revoked"], "revoked")],
)
async def test_states_change_with_a_leaf_each(
    tmp_path: Path, lab: Party, leaves: Leaves, steps: list[State], final: State
) -> None:
    book = PeerBook.open(tmp_path)
    await add(book, lab, leaves)
    for state in steps:
        await book.change_state("lab.example", state, NOW + 1, leaves.append)
    assert leaves.states == ["pending", "active", *steps]
    assert PeerBook.open(tmp_path).get("lab.example").state == final
    assert book.is_active("lab.example") == (final == "active")


async def test_the_same_state_again_leaves_no_leaf(
    tmp_path: Path, lab: Party, leaves: Leaves
) -> None:
    book = PeerBook.open(tmp_path)
    await add(book, lab, leaves)
    await book.change_state("lab.example", "active", NOW, leaves.append)
    assert leaves.states == ["pending", "active"]


async def test_a_revoked_partner_is_nobody_and_does_not_come_back_by_itself(
    tmp_path: Path, lab: Party, leaves: Leaves
) -> None:
    book = PeerBook.open(tmp_path)
    await add(book, lab, leaves)
    await book.change_state("lab.example", "revoked", NOW, leaves.append)
    assert book.ring("lab.example", NOW) is None
    with pytest.raises(PeerNotActive):
        await book.change_state("lab.example", "active", NOW, leaves.append)
    with pytest.raises(PeerNotActive):
        book.active("lab.example")
    assert (await add(book, lab, leaves)).state == "active"  # by a person, anew


async def test_a_paused_partner_is_recognised_but_may_do_nothing(
    tmp_path: Path, lab: Party, leaves: Leaves
) -> None:
    book = PeerBook.open(tmp_path)
    await add(book, lab, leaves)
    await book.change_state("lab.example", "paused", NOW, leaves.append)
    assert book.ring("lab.example", NOW) is not None
    assert not book.is_active("lab.example")


async def test_a_withdrawal_holds_although_its_leaf_could_not_be_written(
    tmp_path: Path, lab: Party, leaves: Leaves
) -> None:
    book = PeerBook.open(tmp_path)
    await add(book, lab, leaves)
    leaves.fails = True
    with pytest.raises(OSError, match="full"):
        await book.change_state("lab.example", "revoked", NOW, leaves.append)
    assert not book.is_active("lab.example")
    leaves.fails = False
    again = PeerBook.open(tmp_path)
    assert again.get("lab.example").state == "revoked"
    await again.log_missing(leaves.append)
    await PeerBook.open(tmp_path).log_missing(leaves.append)
    assert leaves.states == ["pending", "active", "revoked"]


async def test_a_permission_does_not_hold_without_its_leaf(
    tmp_path: Path, lab: Party, leaves: Leaves
) -> None:
    book = PeerBook.open(tmp_path)
    leaves.fails = True
    with pytest.raises(OSError, match="full"):
        await add(book, lab, leaves)
    assert book.find("lab.example") is None
    assert PeerBook.open(tmp_path).all() == []

    leaves.fails = False
    await add(book, lab, leaves)
    await book.change_state("lab.example", "paused", NOW, leaves.append)
    leaves.fails = True
    with pytest.raises(OSError, match="full"):
        await book.change_state("lab.example", "active", NOW, leaves.append)
    assert book.get("lab.example").state == "paused"
    assert PeerBook.open(tmp_path).get("lab.example").state == "paused"


async def test_a_partner_that_is_resumed_while_it_is_revoked_stays_revoked(
    tmp_path: Path, lab: Party, leaves: Leaves
) -> None:
    book = PeerBook.open(tmp_path)
    await add(book, lab, leaves)
    await book.change_state("lab.example", "paused", NOW, leaves.append)
    go_on = asyncio.Event()

    async def slowly(peer: Peer, guard: Callable[[], None]) -> None:
        await go_on.wait()
        await leaves.append(peer, guard)

    revoking = asyncio.create_task(book.change_state("lab.example", "revoked", NOW, slowly))
    resuming = asyncio.create_task(book.change_state("lab.example", "active", NOW, slowly))
    await asyncio.sleep(0)
    revoking.cancel()  # whoever typed it went away; what is being logged holds all the same
    go_on.set()
    await asyncio.gather(revoking, return_exceptions=True)
    with pytest.raises(PeerNotActive):
        await resuming
    assert leaves.states == ["pending", "active", "paused", "revoked"]
    assert book.get("lab.example").state == "revoked"
    assert PeerBook.open(tmp_path).get("lab.example").state == "revoked"


async def test_newer_documents_replace_older_ones_and_never_go_back(
    tmp_path: Path, lab: Party, leaves: Leaves
) -> None:
    book = PeerBook.open(tmp_path)
    await add(book, lab, leaves)
    second = lab.root(version=2, at=NOW + DAY)
    newer = lab.card(serial=2, at=NOW + DAY, root=second)
    book.renew("lab.example", [lab.signed_root(second)], lab.signed_card(newer), NOW + DAY)
    assert book.get("lab.example").root.version == 2
    assert PeerBook.open(tmp_path).get("lab.example").card.serial == 2
    with pytest.raises(DocumentRefused, match="older"):
        book.renew("lab.example", [lab.signed_root()], None, NOW + DAY)
    with pytest.raises(DocumentRefused):
        book.renew("lab.example", [], lab.signed_card(), NOW + DAY)
    assert PeerBook.open(tmp_path).get("lab.example").root.version == 2


async def test_the_same_documents_again_change_nothing(
    tmp_path: Path, lab: Party, leaves: Leaves
) -> None:
    book = PeerBook.open(tmp_path)
    peer = await add(book, lab, leaves)
    record = peer.record
    again = book.renew("lab.example", [record.root.encode()], record.card.encode(), NOW)
    assert again is book.get("lab.example")
    assert again.record == record


async def test_another_envelope_is_taken_for_the_proof_of_a_key_and_for_nothing_else(
    tmp_path: Path, lab: Party, leaves: Leaves
) -> None:
    lab.keys["witness"] = SeedSigner.generate()
    book = PeerBook.open(tmp_path)
    peer = await add(book, lab, leaves)
    plain = peer.record.root.encode()
    proving = add_signatures(plain, ROOT_TYPE, [lab.keys["witness"]])
    crowded = add_signatures(plain, ROOT_TYPE, [SeedSigner.generate()])
    assert book.renew("lab.example", [crowded], None, NOW) is peer
    assert book.renew("lab.example", [proving], None, NOW).root.held == {lab.keys["witness"].kid}
    for stripped in (plain, crowded):
        assert book.renew("lab.example", [stripped], None, NOW).root.held
    assert PeerBook.open(tmp_path).get("lab.example").record.root.encode() == proving
    with pytest.raises(DocumentRefused):  # the root key's own signature is wanted all the same
        book.renew("lab.example", [sign_root(lab.root(), [lab.keys["witness"]])], None, NOW)


async def test_documents_that_arrive_while_a_leaf_is_written_are_not_lost(
    tmp_path: Path, lab: Party, leaves: Leaves
) -> None:
    book = PeerBook.open(tmp_path)
    await add(book, lab, leaves)
    newer = lab.signed_card(lab.card(serial=2, at=NOW + 5))
    leaves.during = lambda: book.renew("lab.example", [], newer, NOW + 5)
    await book.change_state("lab.example", "paused", NOW + 5, leaves.append)
    stored = PeerBook.open(tmp_path).get("lab.example")
    assert (stored.state, stored.card.serial) == ("paused", 2)


@pytest.mark.parametrize("state", ["revoked", "paused"])
async def test_documents_that_arrive_before_the_leaf_bring_no_withdrawn_partner_back(
    tmp_path: Path, lab: Party, leaves: Leaves, state: State
) -> None:
    book = PeerBook.open(tmp_path)
    await add(book, lab, leaves)
    newer = lab.signed_card(lab.card(serial=2, at=NOW + 5))
    at_the_crash: list[Peer] = []

    def arrive() -> None:
        book.renew("lab.example", [], newer, NOW + 5)
        at_the_crash.append(PeerBook.open(tmp_path).get("lab.example"))

    leaves.during, leaves.fails = arrive, True
    with pytest.raises(OSError, match="full"):
        await book.change_state("lab.example", state, NOW + 5, leaves.append)
    stored = PeerBook.open(tmp_path).get("lab.example")
    for each in (*at_the_crash, stored):
        assert (each.state, each.record.logged, each.card.serial) == (state, False, 2)


async def test_a_withdrawal_that_was_not_logged_is_logged_when_it_is_repeated(
    tmp_path: Path, lab: Party, leaves: Leaves
) -> None:
    book = PeerBook.open(tmp_path)
    await add(book, lab, leaves)
    leaves.fails = True
    with pytest.raises(OSError, match="full"):
        await book.change_state("lab.example", "revoked", NOW, leaves.append)
    leaves.fails = False
    for _ in range(2):
        await book.change_state("lab.example", "revoked", NOW, leaves.append)
    assert leaves.states == ["pending", "active", "revoked"]
    assert PeerBook.open(tmp_path).get("lab.example").record.logged


async def test_old_documents_serve_until_they_expire(
    tmp_path: Path, lab: Party, leaves: Leaves
) -> None:
    book = PeerBook.open(tmp_path)
    await add(book, lab, leaves)
    assert book.card("lab.example", NOW + DAY - 1) == lab.card()
    with pytest.raises(CardUnavailable):
        book.card("lab.example", NOW + DAY)
    assert book.ring("lab.example", NOW + 90 * DAY - 1) is not None
    assert book.ring("lab.example", NOW + 90 * DAY) is None


async def test_a_card_ends_with_the_root_document_it_belongs_to(
    tmp_path: Path, lab: Party, leaves: Leaves
) -> None:
    book = PeerBook.open(tmp_path)
    await add(book, lab, leaves)
    second = lab.root(version=2, at=NOW + 60)
    book.renew("lab.example", [lab.signed_root(second)], None, NOW + 60)
    for opened in (book, PeerBook.open(tmp_path)):
        with pytest.raises(CardUnavailable, match="older root"):
            opened.card("lab.example", NOW + 60)
    newer = lab.card(serial=2, at=NOW + 60, root=second)
    book.renew("lab.example", [], lab.signed_card(newer), NOW + 60)
    assert book.card("lab.example", NOW + 60) == newer


async def test_a_stranger_is_unknown(tmp_path: Path) -> None:
    book = PeerBook.open(tmp_path)
    assert book.ring("stranger.example", NOW) is None
    with pytest.raises(PeerUnknown):
        book.get("stranger.example")


async def test_a_damaged_file_is_named(tmp_path: Path, lab: Party, leaves: Leaves) -> None:
    await add(PeerBook.open(tmp_path), lab, leaves)
    path = tmp_path / "lab.example.json"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(PeerDamaged, match=r"lab\.example\.json"):
        PeerBook.open(tmp_path)


async def test_a_pending_partner_without_words_is_approved_by_none(
    tmp_path: Path, lab: Party, leaves: Leaves
) -> None:
    book = PeerBook.open(tmp_path)
    await book.add(lab.record().model_copy(update={"words": None}), leaves.append)
    for words in ("", WORDS, "None"):
        with pytest.raises(WordsDiffer):
            await book.approve("lab.example", words, NOW, leaves.append)
