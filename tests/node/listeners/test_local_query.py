"""Asking over the local API: a token's purposes and partners bound what may be asked."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from typer.testing import CliRunner

from node.cli.main import app
from node.federation.actors import committed
from protocol.leaf import Answered
from tests.conftest import MakeNode, NewNode, Serving
from tests.scenarios.world import (
    Organisation,
    World,
    documents,
    envelope,
    grant,
    quick_words,
    vector,
)


@dataclass
class Lab:
    """A lab that serves its local API, and the clinic that it may ask."""

    url: str
    new: NewNode
    clinic: Organisation

    async def verb(self, *arguments: object) -> str:
        """Run a verb and return its output."""
        line = [*map(str, arguments), "--data", str(self.new.path), "--quiet"]
        result = await asyncio.to_thread(CliRunner().invoke, app, line)
        assert result.exit_code == 0, result.output
        return str(result.output)

    async def token(self, *options: str) -> str:
        """A new token of a name that says nothing."""
        return (await self.verb("token", "create", f"t{len(options)}", *options)).strip()

    async def ask(self, token: str, **fields: Any) -> tuple[int, dict[str, Any]]:
        """POST a question; return status and body."""
        asked = {"vectors": [vector(0).tolist()], "purpose": "research", "k": 2, **fields}
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"{self.url}/v1/query", json=asked, headers={"Authorization": f"Bearer {token}"}
            ) as answer,
        ):
            return answer.status, await answer.json(content_type=None)


@pytest.fixture
async def lab(make_node: MakeNode, serving: Serving, tmp_path: Path) -> AsyncIterator[Lab]:
    world = World(tmp_path)
    clinic = await world.organisation("clinic.example", documents("clinic"))
    new = make_node("lab.example")
    async with serving(new) as listeners:
        made = Lab(listeners.local_api.url, new, clinic)
        (tmp_path / "clinic.json").write_text((await clinic.invite()).file)
        (tmp_path / "envelope.json").write_text(envelope().model_dump_json())
        with quick_words():
            await made.verb("peer", "request", tmp_path / "clinic.json")
        (pending,) = clinic.node.peers.all()
        await clinic.approve("lab.example", pending.record.words)
        words = ("--words", pending.record.words or "")
        await made.verb("peer", "approve", "clinic.example", *words)
        await clinic.grant(grant("lab.example"))
        await made.verb(
            "encoder", "add", "given", "--kind", "caller",
            "--envelope", tmp_path / "envelope.json",
        )  # fmt: skip
        yield made
    await world.close()


async def test_a_token_with_the_purpose_asks_and_gets_the_merged_list(lab: Lab) -> None:
    token = await lab.token("--purpose", "research")
    status, answer = await lab.ask(token)
    assert status == 200
    assert [silo["state"] for silo in answer["silos"]] == ["ok"]
    assert len(answer["results"][0]) == 2


async def test_a_purpose_that_the_token_does_not_have_never_leaves_the_node(lab: Lab) -> None:
    token = await lab.token("--purpose", "care")
    status, problem = await lab.ask(token)
    assert (status, problem["code"]) == (403, "purpose-not-permitted")
    assert not lab.clinic.leaves(Answered)


async def test_a_token_bound_to_other_partners_reaches_this_one_by_no_name(lab: Lab) -> None:
    token = await lab.token("--purpose", "research", "--peer", "friend.example")
    by_peer = await lab.ask(token, peers=["clinic.example"])
    by_collection = await lab.ask(token, collections=["clinic.example/docs"])
    assert by_peer[0] == 403
    assert (by_collection[0], by_collection[1]["code"]) == (400, "question-invalid")
    assert not lab.clinic.leaves(Answered)


async def test_the_partners_log_holds_a_commitment_to_the_tokens_holder(lab: Lab) -> None:
    token = await lab.token("--purpose", "research")
    await lab.ask(token)
    (answered,) = lab.clinic.leaves(Answered)
    assert answered.actor is not None
    assert answered.actor != committed(b"", "t2")
    assert "t2" not in answered.actor


@pytest.mark.parametrize(
    "fields",
    [{"vectors": []}, {"k": 0}, {"purpose": "Research"}, {"deadline_s": 1000}, {"quota": 1}],
)
async def test_a_question_that_is_none_is_refused_with_the_field(
    lab: Lab, fields: dict[str, Any]
) -> None:
    token = await lab.token("--purpose", "research")
    status, problem = await lab.ask(token, **fields)
    assert status in (400, 403)
    assert "0.5" not in problem["detail"]


async def test_partners_are_listed_over_the_local_api(lab: Lab) -> None:
    token = await lab.token("--purpose", "research")
    async with (
        aiohttp.ClientSession() as session,
        session.get(
            f"{lab.url}/v1/partners?peers=clinic.example",
            headers={"Authorization": f"Bearer {token}"},
        ) as answer,
    ):
        told = await answer.json()
    assert told["partners"][0]["offers"][0]["collection"] == "docs"
