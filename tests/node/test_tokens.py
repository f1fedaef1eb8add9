"""Tokens: shown once, kept as digests, ended at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from node.operations.errors import Conflict, NotFound
from node.tokens import PREFIX, Tokens

AT = 1_800_000_000


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    return Tokens(tmp_path / "tokens.json")


def test_a_holder_is_known_by_its_secret_alone(tokens: Tokens) -> None:
    token, secret = tokens.create("anna", "asker", ("research",), (), AT)
    assert secret.startswith(PREFIX)
    assert tokens.holder(secret) == token
    for wrong in (secret[:-1], secret + "x", token.digest, "", PREFIX):
        assert tokens.holder(wrong) is None


def test_bytes_that_are_no_text_are_nobodys_secret(tokens: Tokens) -> None:
    _, secret = tokens.create("anna", "asker", ("research",), (), AT)
    undecodable = (secret.encode() + b"\xff").decode("utf-8", "surrogateescape")
    assert tokens.holder(undecodable) is None


def test_the_file_holds_no_secret_and_is_private(tokens: Tokens, tmp_path: Path) -> None:
    _, secret = tokens.create("anna", "asker", (), (), AT)
    path = tmp_path / "tokens.json"
    assert secret.removeprefix(PREFIX) not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_tokens_survive_a_restart(tokens: Tokens, tmp_path: Path) -> None:
    token, secret = tokens.create("anna", "auditor", ("research",), ("b.example",), AT)
    again = Tokens(tmp_path / "tokens.json")
    assert again.holder(secret) == token
    assert again.list() == (token,)


def test_a_revoked_token_is_nobody_and_stays_listed(tokens: Tokens, tmp_path: Path) -> None:
    _, secret = tokens.create("anna", "asker", (), (), AT)
    assert tokens.revoke("anna", AT + 1).revoked == AT + 1
    assert tokens.revoke("anna", AT + 2).revoked == AT + 1, "the first time counts"
    assert tokens.holder(secret) is None
    assert Tokens(tmp_path / "tokens.json").holder(secret) is None


def test_a_name_is_never_used_twice(tokens: Tokens) -> None:
    tokens.create("anna", "asker", (), (), AT)
    tokens.revoke("anna", AT)
    with pytest.raises(Conflict):
        tokens.create("anna", "asker", (), (), AT)


def test_an_unknown_name_cannot_be_revoked(tokens: Tokens) -> None:
    with pytest.raises(NotFound):
        tokens.revoke("anna", AT)


def test_a_token_without_peers_may_ask_all_and_one_with_peers_only_those(tokens: Tokens) -> None:
    everyone, _ = tokens.create("anna", "asker", (), (), AT)
    one, _ = tokens.create("ben", "asker", (), ("b.example",), AT)
    assert everyone.may_ask("c.example")
    assert one.may_ask("b.example")
    assert not one.may_ask("c.example")


@pytest.mark.parametrize("name", ["", " ", "a b", "-a", "x" * 65, "a\n"])
def test_names_that_would_confuse_a_log_are_refused(tokens: Tokens, name: str) -> None:
    with pytest.raises(ValidationError):
        tokens.create(name, "asker", (), (), AT)


def test_no_token_acts_as_the_owner_of_the_data_directory(tokens: Tokens) -> None:
    with pytest.raises(Conflict, match="owns the data directory"):
        tokens.create("operator", "auditor", (), (), AT)
