"""A disk that refuses below a whole running node: 503 and no answer, and it recovers by itself."""

import asyncio
import secrets
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from node.data_directory import DataDirectory
from node.listeners import addresses
from node.operations.audit import verify_directory
from node.operations.registry import silent
from protocol.leaf import Answered, Received
from protocol.profile import QUERY
from protocol.root import authority_of
from protocol.sign import sign_request
from tests.node.audit import faults
from tests.scenarios.serving import serving, until_it_answers
from tests.scenarios.test_budgets import question
from tests.scenarios.world import Organisation, World, documents, grant, pair

pytestmark = pytest.mark.skipif(not faults.POSSIBLE, reason=faults.REASON)


DISK_REMEMBERED = ["disk: a byte could not be written: Read-only file system"]
"""What may still be said for a second after the disk was mended."""


async def said(lab: Organisation, url: str) -> tuple[int, str | None, dict[str, Any]]:
    """Ask one genuine question over HTTP: status, Retry-After, and the problem (or nothing)."""
    signed = sign_request(
        QUERY, authority_of(url), lab.name, "clinic.example", question().encode(),
        lab.node.identity.signer("sign"), lab.node.clock(), secrets.token_bytes(16),
    )  # fmt: skip
    async with (
        aiohttp.ClientSession() as session,
        session.post(url + signed.path, data=signed.body, headers=dict(signed.headers)) as answer,
    ):
        body = await answer.read()
        problem = orjson.loads(body) if answer.status != 200 else {}
        return answer.status, answer.headers.get("Retry-After"), problem


async def health(data: DataDirectory) -> dict[str, tuple[int, list[str]]]:
    """What liveness and readiness say, with the reasons."""
    listening = addresses.read(data)
    assert listening is not None
    found = {}
    async with aiohttp.ClientSession(listening.admin.url) as session:
        for name in ("healthz", "readyz"):
            async with session.get("/" + name) as answer:
                found[name] = (answer.status, (await answer.json())["reasons"])
    return found


async def until_ready(data: DataDirectory) -> None:
    """Ask for health alone until it is good."""
    for _ in range(300):
        shown = await health(data)
        if [status for status, _ in shown.values()] == [200, 200]:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(shown)


async def test_while_a_disk_refuses_nothing_is_answered_and_afterwards_it_is_again(
    world: World, tmp_path: Path
) -> None:
    lab = await world.organisation("lab.example")
    kept = {"content.answered_days": 1}
    clinic = await world.organisation("clinic.example", documents("clinic"), setting=kept)
    await pair(lab, clinic)
    await clinic.grant(grant("lab.example", rate=100_000, queries_per_day=100_000))
    data, url = clinic.node.data, clinic.url
    await clinic.stop()
    environment = faults.environment(tmp_path)
    flag, asked = environment[faults.FLAG], 0
    async with serving(data.path, environment):
        await until_it_answers(lab)
        everything = str(data.path)
        for fault, files in zip(faults.FAULTS, ("log.db", everything, everything), strict=True):
            faults.inject(fault, files, flag)
            for _ in range(2):
                status, retry, problem = await said(lab, url)
                assert (status, retry) == (503, "5"), (fault, files)
                assert problem["code"] == "unavailable"
            shown = await health(data)
            assert [shown[name][0] for name in shown] == [503, 503], (fault, files)
            assert any(reason.startswith("log: ") for reason in shown["readyz"][1]), shown
            faults.mend(flag)
            if fault != "read-only":  # the last one is mended by a question instead
                await until_ready(data)
            assert (await said(lab, url))[0] == 200
            assert (await health(data))["healthz"][1] in ([], DISK_REMEMBERED)
            asked += 1
        for files in ("content", "store.db"):  # what is beside the log: no answer waits for it
            faults.inject("full", files, flag)
            assert (await said(lab, url))[0] == 200
            asked += 1
            assert (await health(data))["readyz"] == (200, [])
            faults.mend(flag)
        assert (await lab.ask_one()).state == "ok"
    again = await world.serve(DataDirectory(data.path))
    verified = verify_directory(data.path, None, silent)
    assert (verified.verdict, verified.findings) == ("SELF-SIGNED", ())
    answered = {leaf.answer for leaf in again.leaves(Answered)}
    received = {leaf.answer for leaf in lab.leaves(Received) if leaf.purpose is not None}
    assert received <= answered
    assert len(answered) == len(received) + asked  # and no leaf of what was not answered
    assert (await lab.ask_one()).state == "ok"
