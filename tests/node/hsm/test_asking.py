"""A partner notices nothing of where the other side's keys lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from node.hsm.pin import PIN_VARIABLE
from node.hsm.signer import TokenSigner
from protocol.leaf import Answered
from tests.node.hsm.softhsm import PIN, SoftHsm
from tests.node.hsm.test_node import PURPOSES, in_token
from tests.scenarios.world import World, documents, grant, pair


async def test_questions_and_answers_are_signed_in_tokens(
    softhsm: SoftHsm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PIN_VARIABLE, PIN)
    world = World(tmp_path)
    try:
        lab = await world.organisation("lab.example", setting=in_token(softhsm, "sign"))
        clinic = await world.organisation(
            "clinic.example", documents("clinic"), setting=in_token(softhsm, *PURPOSES)
        )
        await pair(lab, clinic)
        await clinic.grant(grant("lab.example"))
        assert isinstance(clinic.node.identity.signer("sign"), TokenSigner)
        assert (await lab.ask_one()).state == "ok"
        assert len(clinic.leaves(Answered)) == 1
    finally:
        await world.close()
