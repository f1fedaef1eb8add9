"""A partner may take less than the protocol allows; its card says so, and the asker keeps to it."""

from typing import Any

import pytest

from tests.scenarios.conftest import Pair
from tests.scenarios.world import DOCS, PURPOSE, vector


def batch(count: int) -> dict[str, Any]:
    return {"vectors": [vector(n).tolist() for n in range(count)]}


async def renewed_card(paired: Pair, monkeypatch: pytest.MonkeyPatch, **limits: int) -> None:
    """Let the clinic sign a card with other limits, and the lab fetch it."""
    for name, value in limits.items():
        monkeypatch.setattr(f"node.card_keeper.{name}", value)
    paired.world.time.offset += 13 * 3600
    await paired.clinic.node.renew()
    await paired.lab.node.refresher.refresh("clinic.example")


async def test_a_larger_batch_than_the_card_takes_is_not_sent(
    paired: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    await renewed_card(paired, monkeypatch, MAX_BATCH=2)
    assert (await paired.lab.ask_one(**batch(2))).state == "ok"
    before = paired.clinic.node.log.size()
    status = await paired.lab.ask_one(**batch(3))
    assert (status.state, status.code) == ("failed", "beyond-card")
    assert status.detail == "it takes 2 vectors at once, not 3"
    assert paired.clinic.node.log.size() == before


async def test_a_longer_question_than_the_card_takes_is_not_sent(
    paired: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    await renewed_card(paired, monkeypatch, MAX_QUERY_BYTES=2048)
    assert (await paired.lab.ask_one()).state == "ok"
    status = await paired.lab.ask_one(**batch(40))
    assert (status.state, status.code) == ("failed", "beyond-card")


async def test_no_more_documents_are_asked_for_than_the_card_allows(
    paired: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    await renewed_card(paired, monkeypatch, MAX_K=4)
    result = await paired.lab.ask(k=8, collections=[f"clinic.example/{DOCS}"], purpose=PURPOSE)
    assert [len(hits) for hits in result.results] == [4]
