"""Where the passphrase comes from, and that it is never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from node.passphrase import FILE_VARIABLE, VARIABLE, Passphrase, PassphraseMissing


def test_without_file_variable_or_prompt_there_is_none() -> None:
    assert Passphrase().given() is None
    with pytest.raises(PassphraseMissing) as missing:
        Passphrase().required()
    assert FILE_VARIABLE in missing.value.fix


def test_the_file_wins_over_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "passphrase"
    path.write_bytes(b"from the file \n")
    monkeypatch.setenv(VARIABLE, "from the variable")
    assert Passphrase().required() == b"from the variable"
    monkeypatch.setenv(FILE_VARIABLE, str(path))
    assert Passphrase().required() == b"from the file ", "one newline is cut, nothing else"


@pytest.mark.parametrize("content", [None, b"", b"\n"])
def test_a_file_that_gives_nothing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    path = tmp_path / "passphrase"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv(FILE_VARIABLE, str(path))
    with pytest.raises(PassphraseMissing, match="passphrase"):
        Passphrase().given()


def test_a_passphrase_is_not_in_its_representation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "hunter2-hunter2")
    passphrase = Passphrase()
    passphrase.required()
    assert "hunter2" not in repr(passphrase)
