"""Settings: file and environment, refusals with hints, and documents that cannot drift."""

from __future__ import annotations

from pathlib import Path

import pytest

from node.config_file import commented, toml_value
from node.config_names import every_setting, variable_of
from node.config_reading import load_settings, parse_settings
from node.operations.errors import InvalidRequest
from node.reference import with_parts

MINIMAL = 'organisation = "a.example"\nurl = "https://a.example"\n'


def test_a_minimal_file_leaves_every_default_in_force() -> None:
    settings = parse_settings(MINIMAL, "f", {})
    assert settings.organisation == "a.example"
    assert settings.federation.port == 8440
    assert settings.local_api.host == settings.admin.host == "127.0.0.1"


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERLINGUA_ADMIN__PORT", "1234")
    settings = parse_settings(MINIMAL + "[admin]\nport = 1\nallow_remote = true\n", "f")
    assert settings.admin.port == 1234
    assert settings.admin.allow_remote, "the other keys of the section stay"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[federation]\nprot = 1\n", "federation.port"),
        ("[federation]\nallow_plaintxt = true\n", "federation.allow_plaintext"),
        ("[local_ap]\nport = 1\n", "local_api.port"),
        ("[index.m]\nvalue = 1\n", "index.m"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_one(text: str, hint: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_settings(MINIMAL + text, "f", {})
    assert refused.value.code in {"configuration-unknown-key", "configuration-invalid"}
    if refused.value.code == "configuration-unknown-key":
        assert hint in refused.value.fix


def test_an_unknown_variable_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_settings(MINIMAL, "f", {"INTERLINGUA_ADMIN_PORT": "1"})
    assert "INTERLINGUA_ADMIN__PORT" in refused.value.fix


def test_variables_that_are_no_settings_are_left_alone() -> None:
    others = {"INTERLINGUA_DATA": "x", "INTERLINGUA_PASSPHRASE_FILE": "y", "PATH": "z"}
    assert parse_settings(MINIMAL, "f", others)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('organisation = "A.example"\nurl = "https://a.example"\n', "organisation"),
        ('organisation = "a.example"\nurl = "https://secret@a.example/x"\n', "url"),
        (MINIMAL + "[federation]\nport = 99999\n", "federation.port"),
        (MINIMAL + '[federation]\ntls_certificate = "c.pem"\n', "federation.tls"),
        ("", "organisation"),
    ],
)
def test_a_wrong_value_is_named_and_not_quoted(text: str, named: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_settings(text, "f", {})
    assert named in refused.value.cause
    assert "secret" not in refused.value.cause


@pytest.mark.parametrize("raw", [b"organisation = ", b"\xff\xfe", b"a = 1\na = 2\n"])
def test_what_is_no_toml_is_refused(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "interlingua.toml"
    path.write_bytes(raw)
    with pytest.raises(InvalidRequest) as refused:
        load_settings(path, {})
    assert refused.value.code == "configuration-unreadable"


def test_a_new_file_states_what_was_chosen_and_comments_all_else() -> None:
    chosen = {"organisation": "a.example", "url": "https://a.example", "admin.port": 0}
    text = commented(chosen)
    settings = parse_settings(text, "f", {})
    assert (settings.organisation, settings.admin.port) == ("a.example", 0)
    for name, _ in every_setting():
        assert variable_of(name) in text


def test_a_new_file_with_its_comments_taken_off_says_the_defaults() -> None:
    chosen = {"organisation": "a.example", "url": "https://a.example"}
    lines = [
        line.removeprefix("# ") if " = " in line and "[INTERLINGUA" not in line else line
        for line in commented(chosen).splitlines()
    ]
    assert parse_settings("\n".join(lines), "f", {}) == parse_settings(MINIMAL, "f", {})


def test_strings_survive_toml() -> None:
    text = 'quote " backslash \\ newline \n tab \t euro €'
    name = f"organisation = {toml_value('a.example')}\nurl = {toml_value(text)}\n"
    with pytest.raises(InvalidRequest, match="url"):
        parse_settings(name, "f", {})


@pytest.mark.parametrize("name", ["configuration.md", "cli.md"])
def test_the_generated_documents_are_up_to_date(name: str) -> None:
    path = Path(__file__).parents[2] / "docs" / name
    text = path.read_text()
    assert "<!-- generated: " in text
    assert text == with_parts(text), "run `make docs`"
