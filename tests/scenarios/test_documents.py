"""Root documents and cards of partners: renewed in time, judged in order, never going back."""

import asyncio

import pytest

from node.federation import refresh
from node.federation.version_limit import HOUR_S, VERSIONS_PER_HOUR
from node.operations.peers import NamedPeer, PeerRefreshed
from protocol.leaf import PeerChanged
from tests.scenarios.conftest import Pair, Watched
from tests.scenarios.middleman import Message
from tests.scenarios.world import Organisation, pair


async def refreshed(lab: Organisation) -> PeerRefreshed:
    return await lab.do("peer.refresh", NamedPeer(organisation="clinic.example"), PeerRefreshed)


async def renewed(clinic: Organisation, times: int) -> None:
    """Publish further versions of the root document."""
    for _ in range(times):
        clinic.node.identity.renew_root()
    await clinic.node.renew()


async def test_a_partner_that_was_away_catches_up_version_by_version(paired: Pair) -> None:
    await renewed(paired.clinic, 3)
    info = await refreshed(paired.lab)
    assert (info.problem, info.root_version) == (None, 4)
    assert (await paired.lab.ask_one()).state == "ok"
    noted = paired.lab.leaves(PeerChanged)[-1]
    assert (noted.state, noted.root_version) == ("active", 4)
    assert noted.document == paired.clinic.node.identity.root.digest


async def test_a_question_fetches_a_card_of_the_newest_root_document_by_itself(
    paired: Pair,
) -> None:
    await renewed(paired.clinic, 1)
    paired.world.time.offset += 23 * 3600
    assert (await paired.lab.ask_one()).state == "ok"
    assert paired.lab.node.peers.get("clinic.example").root.version == 2


async def test_an_older_document_is_refused_and_the_newer_one_stays(watched: Watched) -> None:
    old: dict[str, Message] = {}

    async def remember(message: Message) -> Message:
        old.setdefault(message.header("Content-Type"), message)
        return message

    watched.between.on_answer = remember
    await refreshed(watched.lab)  # the root document is the first that passes
    await renewed(watched.clinic, 1)
    assert (await refreshed(watched.lab)).root_version == 2
    first_root = next(iter(old.values()))

    async def replay(message: Message) -> Message:
        return first_root if message.line == "" else message

    watched.between.on_answer = replay
    info = await refreshed(watched.lab)
    assert info.root_version == 2
    assert info.problem is not None


async def test_documents_that_cannot_be_fetched_change_nothing(watched: Watched) -> None:
    async def broken(_message: Message) -> Message:
        raise ConnectionError

    watched.between.on_request = broken
    before = watched.lab.node.peers.get("clinic.example").record
    info = await refreshed(watched.lab)
    assert info.problem is not None
    assert watched.lab.node.peers.get("clinic.example").record == before


async def test_an_unknown_key_makes_the_node_look_for_a_newer_root_document(
    paired: Pair,
) -> None:
    """The clinic hears from a key of the lab that it does not know, and fetches, once."""
    await renewed(paired.lab, 1)
    await paired.lab.ask()
    paired.world.time.offset += 60
    clinic = paired.clinic.node
    assert clinic.peers.get("lab.example").root.version == 1
    clinic.refresher.suggest("lab.example")
    clinic.refresher.suggest("lab.example")
    for _ in range(100):
        if clinic.peers.get("lab.example").root.version == 2:
            break
        await asyncio.sleep(0.05)
    assert clinic.peers.get("lab.example").root.version == 2


async def test_so_many_versions_are_fetched_in_an_hour_and_the_others_later(paired: Pair) -> None:
    for _ in range(2):
        await renewed(paired.clinic, VERSIONS_PER_HOUR * 3 // 4)
        info = await refreshed(paired.lab)
    assert info.root_version == 1 + VERSIONS_PER_HOUR * 3 // 4
    assert info.problem is not None
    paired.world.time.offset += HOUR_S
    info = await refreshed(paired.lab)
    assert (info.problem, info.root_version) == (None, 1 + 2 * (VERSIONS_PER_HOUR * 3 // 4))


async def test_a_partner_that_does_not_answer_holds_no_other_up(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = await watched.world.organisation("other.example")
    await pair(watched.lab, other)
    await renewed(other, 1)
    let_go = asyncio.Event()

    async def hang(message: Message) -> Message:
        await let_go.wait()
        return message

    def version() -> int:
        return watched.lab.node.peers.get("other.example").root.version

    monkeypatch.setattr(refresh, "FETCH_DEADLINE_S", 60.0)
    watched.between.on_request = hang
    refreshing = asyncio.create_task(watched.lab.node.refresher.refresh_all())
    # what another node has read has no event here
    while version() == 1 and not refreshing.done():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert version() == 2
    assert not refreshing.done()
    let_go.set()
    await refreshing


async def test_everything_of_one_partner_has_one_deadline(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = asyncio.Event()

    async def hang(message: Message) -> Message:
        await let_go.wait()
        return message

    monkeypatch.setattr(refresh, "REFRESH_DEADLINE_S", 0.05)
    watched.between.on_request = hang
    info = await refreshed(watched.lab)
    assert info.problem is not None
    assert "did not come within" in info.problem
    let_go.set()
