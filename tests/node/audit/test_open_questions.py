"""What was sent and has not ended is known after a restart, whatever was retried or refused."""

from pathlib import Path

import pytest

from node.audit.entry import Entry
from node.audit.open_questions import OpenQuestion
from protocol.leaf import Received, Sent, Unanswered
from tests.node.audit.entries import opened
from tests.protocol.leaf_samples import AT, SIGNER, evidence

PEER = "clinic.example"
QUERY = "sha256:" + "1" * 64
OTHER = "sha256:" + "2" * 64


def sent(query: str = QUERY, peer: str = PEER) -> Entry:
    leaf = Sent(
        at=AT,
        peer=peer,
        query=query,
        key=SIGNER.kid,
        evidence=evidence(),
        purpose="research",
        collection="docs",
        space=OTHER,
        k=10,
        vectors=1,
    )
    return Entry(leaf)


def received(query: str = QUERY) -> Entry:
    return Entry(
        Received(at=AT, peer=PEER, query=query, key=SIGNER.kid, decision="answered", answer=OTHER)
    )


def unanswered(query: str = QUERY) -> Entry:
    return Entry(Unanswered(at=AT, peer=PEER, query=query, reason="timeout"))


@pytest.mark.parametrize(
    ("entries", "left"),
    [
        ([sent()], [QUERY]),
        ([sent(), received()], []),
        ([sent(), unanswered()], []),
        ([sent(), unanswered(), sent()], [QUERY]),
        ([sent(), received(), sent(), received()], []),
        ([sent(), sent(OTHER), received()], [OTHER]),
        ([received(OTHER)], []),
    ],
    ids=["sent", "received", "unanswered", "asked again", "under way", "two", "offers"],
)
async def test_what_has_not_ended_is_known_after_a_restart(
    tmp_path: Path, entries: list[Entry], left: list[str]
) -> None:
    async with opened(tmp_path / "log.db") as log:
        for entry in entries:
            await log.append(entry)
        expected = [OpenQuestion(PEER, query) for query in left]
        assert log.open_questions() == expected
    async with opened(tmp_path / "log.db") as again:
        assert again.open_questions() == expected


async def test_the_same_digest_to_two_partners_is_two_questions(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db") as log:
        await log.append(sent())
        await log.append(sent(peer="bank.example"))
        await log.append(received())
        assert log.open_questions() == [OpenQuestion("bank.example", QUERY)]


async def test_a_leaf_that_was_refused_opens_nothing(tmp_path: Path) -> None:
    def refuse() -> None:
        raise LookupError("paused meanwhile")

    async with opened(tmp_path / "log.db") as log:
        with pytest.raises(LookupError):
            await log.append(Entry(sent().leaf, guard=refuse))
        assert log.open_questions() == []
