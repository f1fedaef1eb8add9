"""A whole node whose keys lie in a token: made, asked, rotated, and what its admin is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from keys.signer import SeedSigner
from node.cli.main import app
from node.clock import system_clock
from node.config_reading import load_settings
from node.data_directory import DataDirectory
from node.hsm.errors import HsmUnavailable
from node.hsm.pin import PIN_FILE_VARIABLE, PIN_VARIABLE, PinMissing
from node.hsm.signer import TokenSigner
from node.identity import Identity
from node.identity_errors import IdentityDamaged
from node.node import Node
from node.operations.errors import Conflict, OperationError
from node.passphrase import Passphrase
from tests.conftest import PORTS, MakeNode, NewNode, Serving
from tests.node.hsm.softhsm import LABELS, PIN, SoftHsm
from tests.node.listeners.raw import exchange

runner = CliRunner()
PURPOSES = ("root", "card", "sign", "log", "witness")


def in_token(softhsm: SoftHsm, *purposes: str) -> dict[str, str]:
    """Settings that put the keys of these purposes into the token, under labels of their own."""
    prefix = uuid4().hex
    labels = {f"hsm.{purpose}": f"{prefix}-{purpose}" for purpose in purposes}
    return {"hsm.module": str(softhsm.module), "hsm.token": LABELS[0], **labels}


@pytest.fixture(autouse=True)
def pin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "pin"
    path.write_text(PIN + "\n")
    path.chmod(0o600)
    monkeypatch.setenv(PIN_FILE_VARIABLE, str(path))
    return path


@pytest.fixture
def whole(make_node: MakeNode, softhsm: SoftHsm) -> NewNode:
    return make_node(setting=in_token(softhsm, *PURPOSES))


def identity(new: NewNode) -> Identity:
    return Identity.open(new.data, new.settings, Passphrase(), system_clock)


def test_no_key_file_is_made_for_what_lies_in_the_token(whole: NewNode) -> None:
    assert [path.name for path in whole.data.keys.iterdir()] == ["master.key"]
    own = identity(whole)
    for purpose in ("card", "sign", "log"):
        assert isinstance(own.signer(purpose), TokenSigner)
    assert own.has_root_key


def test_keys_in_files_and_in_the_token_go_together(make_node: MakeNode, softhsm: SoftHsm) -> None:
    own = identity(make_node(setting=in_token(softhsm, "sign")))
    assert isinstance(own.signer("sign"), TokenSigner)
    assert isinstance(own.signer("log"), SeedSigner)


async def test_it_serves_a_card_that_the_token_signed(whole: NewNode, serving: Serving) -> None:
    async with serving(whole) as listeners:
        answer = await exchange(
            listeners.federation.port, "GET /.well-known/interlingua-node HTTP/1.1"
        )
    assert answer.status == 200
    (signature,) = json.loads(answer.body)["signatures"]
    assert signature["keyid"] == identity(whole).kid("card")


async def test_a_rotation_moves_a_key_from_its_file_into_the_token(
    new_node: NewNode, softhsm: SoftHsm
) -> None:
    text = new_node.data.config_file.read_text()
    hsm = in_token(softhsm, "sign")
    lines = [f'{name.removeprefix("hsm.")} = "{value}"' for name, value in hsm.items()]
    new_node.data.config_file.write_text(text.replace("[hsm]\n", "[hsm]\n" + "\n".join(lines), 1))
    moved = replace(new_node, settings=load_settings(new_node.data.config_file))
    assert isinstance(identity(moved).signer("sign"), SeedSigner), "the file's turn is not over"
    async with Node.opened(moved.data, moved.settings, passphrase=Passphrase()) as node:
        await node.roots.rotate("sign", at_once=True)
        assert isinstance(node.identity.signer("sign"), TokenSigner)


def test_a_label_with_a_key_is_not_taken_by_accident(
    whole: NewNode, softhsm: SoftHsm, tmp_path: Path
) -> None:
    settings = {
        "hsm.module": str(softhsm.module),
        "hsm.token": LABELS[0],
        "hsm.sign": whole.settings.hsm.sign,
    }
    chosen = [f"--set={name}={value}" for name, value in {**PORTS, **settings}.items()]
    base = ["init", "--organisation=a.example", "--url=https://a.example", "--no-passphrase"]
    refused = runner.invoke(app, [*base, *chosen, f"--data={tmp_path / 'a'}", "--json"])
    assert refused.exit_code != 0
    assert "--adopt" in refused.stderr
    adopted = runner.invoke(app, [*base, *chosen, f"--data={tmp_path / 'b'}", "--adopt", "--json"])
    assert adopted.exit_code == 0, adopted.stderr
    data = DataDirectory(tmp_path / "b")
    other = Identity.open(data, load_settings(data.config_file), Passphrase(), system_clock)
    assert other.signer("sign").kid == identity(whole).kid("sign")


def test_without_a_pin_the_node_says_where_it_is_looked_for(
    whole: NewNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(PIN_FILE_VARIABLE)
    own = identity(whole)
    assert own.kid("sign"), "seen without a PIN"
    monkeypatch.setattr("node.hsm.token._sessions", {})
    with pytest.raises(PinMissing) as missing:
        own.signer("sign")
    assert PIN_VARIABLE in missing.value.fix


def test_a_key_that_is_gone_from_the_token_is_named(whole: NewNode) -> None:
    own = identity(whole)
    kid = own.kid("sign")
    own.files.remove("sign", kid)
    with pytest.raises(IdentityDamaged, match="holds no sign key") as refused:
        identity(whole).signer("sign")
    assert "hsm." in refused.value.fix


def test_doctor_is_content_with_keys_in_the_token_and_names_one_that_is_not_there(
    whole: NewNode,
) -> None:
    arguments = ["doctor", "--json", "--data", str(whole.path)]
    done = runner.invoke(app, arguments)
    codes = {finding["code"] for finding in json.loads(done.stdout)["findings"]}
    assert done.exit_code == 0, codes
    assert "key-missing" not in codes
    text = whole.data.config_file.read_text().replace(f'"{LABELS[0]}"', '"elsewhere"')
    whole.data.config_file.write_text(text)
    done = runner.invoke(app, arguments)
    assert done.exit_code == 1
    found = {each["code"]: each for each in json.loads(done.stdout)["findings"]}
    assert "elsewhere" in found["hsm-unavailable"]["cause"]
    assert "key-missing" not in found


def test_no_pin_is_in_any_file_of_the_node(whole: NewNode) -> None:
    identity(whole).signer("sign")
    files = [path for path in whole.path.rglob("*") if path.is_file()]
    assert not [path for path in files if PIN.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ({"hsm.sign": "x"}, "hsm.module and hsm.token"),
        ({"hsm.module": "m", "hsm.token": "t", "hsm.sign": "x", "hsm.card": "x"}, "one label"),
    ],
)
def test_settings_that_are_not_whole_are_refused(
    make_node: MakeNode, setting: dict[str, str], reason: str
) -> None:
    with pytest.raises(OperationError, match=reason):
        make_node(setting=setting)


def test_an_unusable_token_leaves_no_node_behind(make_node: MakeNode, tmp_path: Path) -> None:
    module = tmp_path / "missing.so"
    with pytest.raises((HsmUnavailable, Conflict)):
        make_node(setting={"hsm.module": str(module), "hsm.token": "t", "hsm.sign": "x"})
    assert not (tmp_path / "clinic.example" / "interlingua.toml").exists()
