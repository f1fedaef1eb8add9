"""`interlingua key`: rotation, revocation and a root key that is kept elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from node.cli.main import app
from node.operations.exit_codes import ExitCode
from tests.conftest import NewNode

Told = Callable[..., Any]


@pytest.fixture
def told(new_node: NewNode) -> Told:
    """Runs a verb of a stopped node with --json; gives its object."""

    def run(*arguments: object, exit_code: int = 0) -> Any:
        line = [*(str(one) for one in arguments), "--json", "--data", str(new_node.path)]
        done = CliRunner().invoke(app, line)
        assert done.exit_code == exit_code, done.output
        return json.loads(done.stdout)

    return run


def states(told: Told, purpose: str) -> dict[str, str]:
    return {
        key["kid"]: key["state"] for key in told("key", "list")["keys"] if key["purpose"] == purpose
    }


def test_a_new_node_uses_one_key_for_each_purpose(told: Told) -> None:
    listed = told("key", "list")
    assert [key["purpose"] for key in listed["keys"]] == ["root", "card", "sign", "log", "witness"]
    assert {key["state"] for key in listed["keys"]} == {"in use"}


def test_a_rotated_key_is_listed_as_the_next_one(told: Told) -> None:
    (created,) = told("key", "rotate", "sign")["created"]
    assert states(told, "sign")[created] == "next"
    (at_once,) = told("key", "rotate", "sign", "--now")["created"]
    assert sorted(states(told, "sign").values()) == ["ending", "in use"]
    assert states(told, "sign")[at_once] == "in use"


def test_a_revoked_key_is_listed_with_its_reason(told: Told) -> None:
    (stolen,) = states(told, "sign")
    told("key", "revoke", stolen, "--reason", "the laptop was stolen")
    found = [key for key in told("key", "list")["keys"] if key["kid"] == stolen]
    assert [(key["state"], key["reason"]) for key in found] == [
        ("revoked", "the laptop was stolen")
    ]


def test_after_a_revocation_the_doctor_looks_for_the_key_that_took_over(told: Told) -> None:
    (lost,) = states(told, "sign")
    told("key", "revoke", lost, "--reason", "lost")
    findings = told("doctor")["findings"]
    assert [one for one in findings if one["level"] == "problem"] == []


def test_a_log_key_that_was_followed_is_listed_with_the_leaves_that_it_signed(told: Told) -> None:
    (first,) = states(told, "log")
    told("key", "rotate", "sign")  # the log has leaves
    changed = told("key", "rotate", "log", "--now")
    assert (changed["published"], changed["version"]) == (True, 4)  # the key, then its bound
    listed = {key["kid"]: key for key in told("key", "list")["keys"] if key["purpose"] == "log"}
    (second,) = changed["created"]
    assert (listed[first]["state"], listed[second]["state"]) == ("ending", "in use")
    assert listed[first]["until_size"] == listed[second]["from_size"] > 0
    assert listed[second]["until_size"] is None
    assert told("audit", "verify")["verdict"] == "SELF-SIGNED"


def test_a_lost_log_key_is_revoked_and_its_successor_goes_on_in_the_same_log(
    told: Told, new_node: NewNode
) -> None:
    (lost,) = states(told, "log")
    told("key", "rotate", "sign")
    new_node.data.key_file("log").unlink()
    changed = told("key", "revoke", lost, "--reason", "the disk died")
    assert changed["published"]
    verified = told("audit", "verify")
    assert (verified["verdict"], verified["findings"]) == ("SELF-SIGNED", [])
    assert changed["created"][0] in states(told, "log")


def test_a_key_id_that_begins_with_a_dash_is_no_option(told: Told) -> None:
    unknown = "---PK3Sh0HHL7Npaie335V4VkfYWSkgpx6SBzfjzCa8"
    problem = told("key", "revoke", unknown, "--reason", "x", exit_code=1)["problem"]
    assert problem["code"] == "unknown-key"


def test_an_offline_root_key_signs_what_was_exported(
    told: Told, new_node: NewNode, tmp_path: Path
) -> None:
    away, next_root = tmp_path / "root.key", tmp_path / "next.json"
    new_node.data.key_file("root").rename(away)
    assert set(states(told, "root").values()) == {"away"}
    waiting = told("key", "rotate", "card")
    assert not waiting["published"]
    assert told("key", "list")["draft"] == 2
    assert states(told, "card")[waiting["created"][0]] == "draft"
    told("key", "root", "export", next_root)
    assert json.loads(next_root.read_text())["version"] == 2
    unsigned = told("key", "root", "import", next_root, exit_code=1)
    assert unsigned["problem"]["code"] == "root-unsigned"
    assert "interlingua key root sign" in unsigned["problem"]["fix"]
    signed = told("key", "root", "sign", next_root, "--key", away)
    assert (signed["version"], signed["signatures"]) == (2, 1)
    assert told("key", "root", "import", next_root)["published"]
    assert states(told, "card")[waiting["created"][0]] == "next"


def test_a_root_key_made_elsewhere_takes_over(
    told: Told, new_node: NewNode, tmp_path: Path
) -> None:
    old, new, file = new_node.data.key_file("root"), tmp_path / "new.key", tmp_path / "next.json"
    made = told("key", "root", "create", new, "--no-passphrase")
    assert not told("key", "rotate", "root", "--public", made["public"])["published"]
    told("key", "root", "export", file)
    for key in (old, new):
        told("key", "root", "sign", file, "--key", key)
    told("key", "root", "import", file)
    assert states(told, "root") == {made["kid"]: "away"}
    assert told("status")["fingerprint"] == made["fingerprint"]


@pytest.mark.parametrize(
    "line",
    [
        ("key", "rotate", "master"),
        ("key", "rotate", "sign", "--public", "a" * 43),
        ("key", "rotate", "root", "--public", "A" * 43),
        ("key", "revoke", "short", "--reason", "x"),
    ],
)
def test_what_makes_no_sense_is_refused(told: Told, line: tuple[str, ...]) -> None:
    assert "problem" in told(*line, exit_code=int(ExitCode.USAGE))


def test_a_changed_document_is_not_signed(told: Told, new_node: NewNode, tmp_path: Path) -> None:
    file = tmp_path / "next.json"
    told("key", "root", "export", file)
    file.write_text(file.read_text().replace('"version":2', '"version": 2'))
    key = new_node.data.key_file("root")
    assert "problem" in told("key", "root", "sign", file, "--key", key, exit_code=1)
