"""The long form ends as its documentation says."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fuzz import leaf
from tests.fuzz.long import at_random, by_coverage


def test_a_sound_target_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert at_random(leaf.TARGET, 0) == 0
    assert "leaf: 0 tries" in capsys.readouterr().out


def test_a_finding_ends_with_1_and_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(raw: bytes) -> None:
        raise KeyError(len(raw))

    monkeypatch.chdir(tmp_path)
    target = replace(leaf.TARGET, read=broken)
    assert at_random(target, 60) == 1
    (kept,) = tmp_path.iterdir()
    assert str(kept.name) in capsys.readouterr().out
    with pytest.raises(KeyError):
        target.try_out(kept.read_bytes())


def test_without_atheris_the_reason_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "atheris", None)
    assert by_coverage(leaf.TARGET, 1) == 2
    assert "atheris is not installed" in capsys.readouterr().out
