"""`interlingua peer`, `policy`, `partners`, `query` and `resolve`, stopped and running."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner
from typer.testing import Result as Ended

from node.cli.main import app
from node.cli.query import _next_step
from node.federation.ask import AskResult, Result
from node.operations.exit_codes import ExitCode
from protocol.invitation import Invitation, read_invitation
from tests.conftest import MakeNode, Serving
from tests.scenarios.world import (
    Organisation,
    World,
    documents,
    envelope,
    grant,
    quick_words,
    toml,
    vector,
)

Verb = Callable[..., Awaitable[Ended]]


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with quick_words():
        yield


@pytest.fixture(params=["stopped", "running"])
async def verb(
    request: pytest.FixtureRequest, make_node: MakeNode, serving: Serving
) -> AsyncIterator[Verb]:
    """The command line of the lab's node."""
    lab = make_node("lab.example")

    async def run(*arguments: object, stdin: str | None = None) -> Ended:
        line = [*(str(argument) for argument in arguments), "--data", str(lab.path)]
        return await asyncio.to_thread(CliRunner().invoke, app, line, stdin)

    async with AsyncExitStack() as stack:
        if request.param == "running":
            await stack.enter_async_context(serving(lab))
        yield run


@pytest.fixture
async def clinic(tmp_path: Path) -> AsyncIterator[Organisation]:
    """A partner that serves."""
    world = World(tmp_path)
    yield await world.organisation("clinic.example", documents("clinic"))
    await world.close()


async def told(verb: Verb, *arguments: object, exit_code: int = 0) -> dict[str, Any]:
    result = await verb(*arguments, "--json", "--quiet")
    assert result.exit_code == exit_code, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


async def test_from_an_invitation_to_an_answer_and_back_to_the_record(
    verb: Verb, clinic: Organisation, tmp_path: Path
) -> None:
    invited = await told(verb, "peer", "invite", "--output", tmp_path / "invitation.json")
    assert (invited["state"], invited["organisation"]) == ("open", None)
    asked = await clinic.request((tmp_path / "invitation.json").read_text(), send=False)
    (tmp_path / "request.json").write_text(asked.request)
    pending = await told(verb, "peer", "receive", tmp_path / "request.json")
    assert (pending["state"], pending["words"]) == ("pending", asked.words)
    await clinic.approve("lab.example", pending["words"])
    await clinic.grant(grant("lab.example", request_url="https://clinic.example/apply"))

    approve = ("peer", "approve", "clinic.example", "--words")
    wrong = await verb(*approve, "canal ozone canal ozone canal ozone")
    assert wrong.exit_code == ExitCode.UNVERIFIED
    assert "canal" not in wrong.output
    added = await told(verb, *approve, asked.words)
    assert (added["organisation"], added["state"]) == ("clinic.example", "active")

    offered = await told(verb, "partners")
    (partner,) = offered["partners"]
    assert partner["offers"][0]["collection"] == "docs"

    (tmp_path / "envelope.json").write_text(envelope().model_dump_json())
    await told(
        verb, "encoder", "add", "given", "--kind", "caller", "--envelope",
        tmp_path / "envelope.json",
    )  # fmt: skip
    (tmp_path / "q.json").write_text(json.dumps(vector(0).tolist()))
    np.save(tmp_path / "q.npy", vector(0)[None, :])
    for question in ("q.json", "q.npy"):
        line = ("query", "--vectors", tmp_path / question, "--purpose", "research", "-k", 2)
        answer = await told(verb, *line)
        assert [silo["state"] for silo in answer["silos"]] == ["ok"]
    shown = await verb(*line)
    reference = answer["results"][0][0]["reference"]
    assert reference in shown.output
    assert "apply at https://clinic.example/apply" in shown.output

    refused = await told(
        verb, "query", "--vectors", tmp_path / "q.json", "--purpose", "marketing",
        "--collection", "clinic.example/docs", exit_code=ExitCode.REFUSED,
    )  # fmt: skip
    assert (refused["silos"][0]["code"], refused["silos"][0]["rule"]) == ("not-granted", "purpose")


async def paired(verb: Verb, clinic: Organisation) -> str:
    """Pair with the clinic over the network, by a line of text; returns the words."""
    invited = await clinic.invite(organisation="lab.example")
    asked = await told(verb, "peer", "request", invited.text)
    words = str(asked["words"])
    await clinic.approve("lab.example", words)
    await told(verb, "peer", "approve", "clinic.example", "--words", words)
    return words


async def test_people_are_shown_the_same_words_on_both_sides(
    verb: Verb, clinic: Organisation, tmp_path: Path
) -> None:
    made = await verb("peer", "invite", "--valid", "12h")
    text = next(line for line in made.output.splitlines() if line.startswith("interlingua-invite:"))
    assert read_invitation(text).invitation.organisation == "lab.example"
    assert "peer request" in made.output
    invited = await told(verb, "peer", "invite", "--for", "clinic.example")
    asked = await clinic.request(invited["file"], send=False)
    (tmp_path / "request.json").write_text(asked.request)
    steps: list[tuple[object, ...]] = [("receive", tmp_path / "request.json")]
    steps += [("list",), ("show", "clinic.example")]
    for step in steps:
        assert str(asked.words) in (await verb("peer", *step)).output
    assert "peer approve clinic.example" in (await verb("peer", "list")).stderr
    assert "no active partner" in (await verb("partners")).stderr
    listed = await verb("peer", "invitations")
    assert "clinic.example" in listed.output
    assert "received" in listed.output


async def test_an_invitation_is_listed_and_withdrawn(verb: Verb, clinic: Organisation) -> None:
    invited = await told(verb, "peer", "invite")
    assert (await told(verb, "peer", "uninvite", invited["id"]))["state"] == "open"
    assert (await told(verb, "peer", "invitations"))["invitations"] == []
    again = await told(verb, "peer", "uninvite", invited["id"], exit_code=ExitCode.FAILED)
    assert again["problem"]["code"] == "invitation-unknown"
    asked = await clinic.request(invited["file"], send=False)
    late = await verb("peer", "receive", "-", stdin=asked.request)
    assert late.exit_code == ExitCode.FAILED
    assert "new invitation" in late.output


async def test_what_is_no_invitation_is_refused_with_the_fix(verb: Verb, tmp_path: Path) -> None:
    (tmp_path / "photo").write_bytes(b"\xff\xd8")
    for path in (tmp_path / "missing", tmp_path / "photo"):
        assert (await verb("peer", "request", path)).exit_code == ExitCode.USAGE
    (tmp_path / "note").write_text("Dear colleague, here is our invitation.")
    for wrong in ("interlingua-invite:AAAA", tmp_path / "note"):
        refused = await told(verb, "peer", "request", wrong, exit_code=ExitCode.USAGE)
        assert refused["problem"]["code"] == "invitation-invalid"
        assert "peer invite" in refused["problem"]["fix"]
    for valid in ("soon", "10s", "31d"):
        assert (await verb("peer", "invite", "--valid", valid)).exit_code == ExitCode.USAGE


async def test_a_partner_is_tested_by_two_names_of_one_check(
    verb: Verb, clinic: Organisation
) -> None:
    await paired(verb, clinic)
    await clinic.grant(grant("lab.example"))
    for arguments in (("peer", "test"), ("doctor",)):
        tested = await told(verb, *arguments, "clinic.example")
        assert [finding["code"] for finding in tested["findings"]] == ["no-encoder", "no-grant"]
    await told(verb, "peer", "pause", "clinic.example")
    shown = await verb("peer", "test", "clinic.example")
    assert shown.exit_code == ExitCode.FAILED
    assert "fix: interlingua peer resume clinic.example" in shown.output
    unknown = await verb("doctor", "nobody.example")
    assert unknown.exit_code == ExitCode.FAILED


async def test_a_partner_is_listed_paused_resumed_revoked_and_removed(
    verb: Verb, clinic: Organisation
) -> None:
    await paired(verb, clinic)
    for step, state in (("pause", "paused"), ("resume", "active"), ("revoke", "revoked")):
        assert (await told(verb, "peer", step, "clinic.example"))["state"] == state
        listed = await told(verb, "peer", "list")
        assert [(p["organisation"], p["state"]) for p in listed["peers"]] == [
            ("clinic.example", state)
        ]
    again = await verb("peer", "resume", "clinic.example")
    assert again.exit_code == ExitCode.FAILED
    assert "revoked" in again.output
    assert (await told(verb, "peer", "remove", "clinic.example"))["state"] == "revoked"
    assert (await told(verb, "peer", "list"))["peers"] == []


async def test_a_partner_that_is_not_there_is_unavailable_with_a_fix(verb: Verb) -> None:
    with socket.socket() as taken:  # bound and not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        invitation = Invitation(
            organisation="clinic.example",
            url=f"http://127.0.0.1:{taken.getsockname()[1]}",
            root="A" * 43,
            nonce="A" * 22,
            expires=2_000_000_000,
        )
        answer = await told(
            verb, "peer", "request", invitation.encode(), exit_code=ExitCode.UNAVAILABLE
        )
    assert answer["problem"]["code"] == "peer-unreachable"
    assert "partner's node runs" in answer["problem"]["fix"]


def merged(owners: tuple[bool, ...]) -> AskResult:
    hits = tuple(
        Result(
            place=place,
            organisation="lab.example",
            collection="papers",
            own=own,
            reference=None,
            external_id=None,
            rank=place,
            bin=None,
            score_space=None,
            route="identity",
            overlap=None,
            request_url=None,
        )
        for place, own in enumerate(owners, 1)
    )
    return AskResult(
        question="q", purpose="research", space="s", seed="", results=(hits,), silos=()
    )


@pytest.mark.parametrize(
    ("owners", "named"),
    [((), "partners"), ((True,), "partners"), ((True, False), "resolve REFERENCE")],
)
def test_only_records_of_partners_lead_to_resolve(owners: tuple[bool, ...], named: str) -> None:
    assert named in _next_step(merged(owners))


async def test_grants_are_compared_applied_shown_explained_and_withdrawn(
    verb: Verb, clinic: Organisation, tmp_path: Path
) -> None:
    await paired(verb, clinic)
    folder = tmp_path / "grants"
    folder.mkdir()
    (folder / "clinic.toml").write_text(toml(grant("clinic.example", max_k=5)))
    assert (await told(verb, "policy", "diff", folder))["changes"][0]["kind"] == "added"
    assert (await told(verb, "policy", "show"))["grants"] == []
    applied = await told(verb, "policy", "apply", folder)
    assert applied["generation"] == 1
    assert any("no such collection" in warning for warning in applied["warnings"])
    assert (await told(verb, "policy", "show"))["digest"] == applied["digest"]

    asked = ("policy", "explain", "--peer", "clinic.example", "--collection", "docs")
    allowed = await told(verb, *asked, "--purpose", "research", "-k", 5)
    assert (allowed["allowed"], allowed["queries_left"]) == (True, 1000)
    refused = await told(verb, *asked, "--purpose", "research", "-k", 6, exit_code=3)
    assert (refused["allowed"], refused["rule"]) == (False, "k")
    await told(verb, "peer", "pause", "clinic.example")
    paused = await told(verb, *asked, "--purpose", "research", exit_code=3)
    assert paused["rule"] == "peer-state"

    (folder / "clinic.toml").write_text("quota = 1\n")
    wrong = await verb("policy", "apply", folder)
    assert wrong.exit_code == ExitCode.USAGE
    assert "clinic.toml" in wrong.output
    empty = tmp_path / "none"
    empty.mkdir()
    assert (await verb("policy", "apply", empty)).exit_code == ExitCode.USAGE
    (empty / "none.toml").write_text("# everything withdrawn\n")
    withdrawn = await told(verb, "policy", "apply", empty)
    assert withdrawn["changes"][0]["kind"] == "removed"


async def test_a_question_that_cannot_be_asked_says_why(verb: Verb, tmp_path: Path) -> None:
    nobody = await verb("query", "anything", "--purpose", "research")
    assert nobody.exit_code == ExitCode.FAILED
    assert "peer list" in nobody.output
    neither = await verb("query", "--purpose", "research")
    assert neither.exit_code == ExitCode.USAGE
    (tmp_path / "bad.json").write_text("{")
    bad = await verb("query", "--vectors", tmp_path / "bad.json", "--purpose", "research")
    assert bad.exit_code == ExitCode.USAGE


async def test_a_reference_that_nobody_was_given_is_not_resolved(verb: Verb) -> None:
    result = await verb("resolve", "a" * 32)
    assert result.exit_code == ExitCode.FAILED
    assert "no reference" in result.output
