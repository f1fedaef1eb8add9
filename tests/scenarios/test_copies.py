"""Documents that an asker and its partner both hold stand once, where the grant allows it."""

from typing import Any

import pytest

from tests.scenarios.world import DOCS, World, documents, grant, pair


async def test_a_document_of_both_sides_stands_once_if_the_grant_allows_it(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lab = await world.organisation("lab.example", documents("same"))
    clinic = await world.organisation("clinic.example", documents("same"))
    await pair(lab, clinic)
    await clinic.grant(grant("lab.example"))
    [apart] = (await lab.ask(own=True, k=6)).results
    assert {hit.organisation for hit in apart} == {"lab.example", "clinic.example"}
    assert not any(hit.copies for hit in apart)
    await clinic.grant(grant("lab.example", content_commitment=True))
    [once] = (await lab.ask(own=True, k=6)).results
    assert len(once) == 6
    for hit in once:
        (copy,) = hit.copies
        assert {hit.organisation, copy.organisation} == {"lab.example", "clinic.example"}
        own = hit if hit.own else copy
        assert own.external_id is not None
        assert own.external_id.startswith("same-")

    def fail(*_: Any) -> Any:
        raise OSError("as SQLite quotes a text that it cannot decode")

    monkeypatch.setattr(clinic.node.collections.get(DOCS), "texts", fail)
    status = await lab.ask_one()  # logged and refused as any failed search, no broken connection
    assert (status.state, status.code) == ("error", "search-failed")
    assert "quotes a text" not in caplog.text
