"""docs/protocol-pairing.md cannot drift: its examples, tables and limits are checked."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from protocol import invitation, limits, pairing
from protocol.canonical import dumps
from protocol.invitation import Invitation, PairingRefused, read_invitation
from protocol.pairing import PairingRequest, Side, pairing_words, problem_of
from tests.protocol.organisation import signer

TEXT = (Path(__file__).parents[2] / "docs" / "protocol-pairing.md").read_text(encoding="utf-8")
FENCES = {
    name: body.removesuffix("\n")
    for name, body in re.findall(r"^```\w+ ([\w-]+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
}


def table(header: str) -> dict[str, str]:
    """First column (without backticks) to second column of the table under `header`."""
    (found,) = re.findall(rf"^\| {header} \|.*?(?=\n\n)", TEXT, re.MULTILINE | re.DOTALL)
    rows = (line.split("|") for line in found.split("\n")[2:])
    return {row[1].strip().strip("`"): row[2].strip() for row in rows}


def test_the_invitation() -> None:
    read = read_invitation(FENCES["invitation-text"]).invitation
    assert dumps(read.model_dump(mode="json")).decode() == FENCES["invitation"]
    assert read == Invitation.model_validate(json.loads(FENCES["invitation"]))
    assert read.lookup == FENCES["invitation-lookup"]
    assert read.root == signer("root 1").kid


def test_the_words() -> None:
    transcript = json.loads(FENCES["transcript"])
    assert dumps(transcript).decode() == FENCES["transcript"]
    sides = [Side(**transcript[side]) for side in ("inviter", "requester")]
    assert pairing_words(*sides) == FENCES["words"]


@pytest.mark.parametrize(
    ("header", "model"),
    [("member of an invitation", Invitation), ("member of a request", PairingRequest)],
)
def test_a_table_lists_every_member_in_order(header: str, model: type[BaseModel]) -> None:
    assert list(table(header)) == list(model.model_fields)


def test_frames_have_the_members_of_their_tables() -> None:
    assert table("member of the file")["type"] == f"`{invitation.INVITATION_FILE}`"
    assert table("member of the frame")["type"] == f"`{pairing.REQUEST_FILE}`"
    assert pairing.REQUEST_TYPE in table("member of the frame")["request"]
    assert f"`{pairing.PAIRING_PATH}`" in TEXT
    assert f"`{pairing.RECEIVED.decode()}`" in TEXT


def test_every_reason_is_explained_with_its_status() -> None:
    reasons = set(get_args(invitation.Reason)) - {"invitation-invalid"}
    told = {reason: problem_of(PairingRefused(reason, "why")).status for reason in reasons}
    assert told == {name: int(status) for name, status in table("reason").items()}


def test_every_limit_has_its_value() -> None:
    named = re.findall(r"`([A-Z][A-Z0-9_]+)` \((\d+)\)", TEXT)
    assert len(named) >= 7
    assert [(name, int(value)) for name, value in named] == [
        (name, getattr(limits, name)) for name, _ in named
    ]
