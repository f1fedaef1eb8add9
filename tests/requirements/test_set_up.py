"""Set-up: one clear sentence where something is missing, and lock files that name no place."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SET_UP = ROOT / "requirements" / "set_up.sh"
BASH = shutil.which("bash") or "/bin/bash"
PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^]]*\])?==\S+")


def set_up(tmp_path: Path, *tools: str, python: str = "") -> subprocess.CompletedProcess[str]:
    """Run the script for a venv that does not exist, with nothing but these tools in reach."""
    reach = tmp_path / "bin"
    reach.mkdir()
    for tool in tools:
        (reach / tool).symlink_to(sys.executable if tool.startswith("python") else BASH)
    return subprocess.run(
        [BASH, str(SET_UP), str(tmp_path / "venv"), python],
        env={"PATH": str(reach)},
        capture_output=True,
        text=True,
    )


def test_a_missing_compiler_gets_one_clear_sentence(tmp_path: Path) -> None:
    done = set_up(tmp_path, "python3")
    assert done.returncode != 0
    (line,) = done.stderr.splitlines()
    assert "A C++ compiler is needed" in line
    assert "install g++ or clang++" in line
    assert not (tmp_path / "venv").exists()


def test_a_missing_python_gets_one_clear_sentence(tmp_path: Path) -> None:
    done = set_up(tmp_path, "c++")
    assert done.returncode != 0
    (line,) = done.stderr.splitlines()
    assert "A Python of at least 3.11" in line
    assert "PYTHON=" in line


def test_an_interpreter_that_was_named_and_does_not_suit_is_named_back(tmp_path: Path) -> None:
    done = set_up(tmp_path, "python3", "c++", python="/nowhere/python3.9")
    assert done.returncode != 0
    assert "/nowhere/python3.9" in done.stderr


def locked(name: str) -> set[str]:
    lines = (ROOT / "requirements" / name).read_text().splitlines()
    return {match.group(1) for line in lines if (match := PINNED.match(line))}


@pytest.mark.parametrize("name", ["build.txt", "runtime.txt", "dev.txt", "hsm.txt"])
def test_lock_files_pin_by_hash_and_name_no_place(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*-", text.replace("    --hash=sha256:", ""), re.MULTILINE)
    assert text.count("--hash=sha256:") >= len(locked(name)) > 0


def test_everything_that_the_project_declares_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]

    def names(requirements: list[str]) -> set[str]:
        found = (re.match(r"[A-Za-z0-9._-]+", each) for each in requirements)
        return {match.group().lower().replace("_", "-") for match in found if match}

    assert names(project["dependencies"]) <= locked("runtime.txt")
    assert names(extras["test"]) | names(extras["demo"]) | locked("runtime.txt") <= locked(
        "dev.txt"
    )
    assert names(extras["hsm"]) <= locked("hsm.txt")
    wanted = (ROOT / "requirements" / "hsm.in").read_text().splitlines()
    assert [line for line in wanted if not line.startswith("#")] == extras["hsm"]


def test_what_the_tests_of_keys_in_a_token_need_is_never_a_failure(tmp_path: Path) -> None:
    """Without pip, apt-get and a token it ends well, and says for both what is missing."""
    reach = tmp_path / "bin"
    reach.mkdir()
    (reach / "bash").symlink_to(BASH)
    for tool in ("id", "grep", "tail"):
        (reach / tool).symlink_to(shutil.which(tool) or f"/usr/bin/{tool}")
    done = subprocess.run(
        [BASH, str(ROOT / "requirements" / "hsm.sh"), str(tmp_path / "no-venv")],
        env={"PATH": str(reach)},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert done.stdout == ""
    assert "Extra hsm (python-pkcs11): not installed" in done.stderr
    assert "SoftHSM2: not installed" in done.stderr
    assert "install the package softhsm2 by hand" in done.stderr


def test_no_compiled_code_is_tuned_to_this_machine_by_the_lock() -> None:
    """`HNSWLIB_NO_NATIVE` is the image's business; set-up leaves the choice to the environment."""
    assert "HNSWLIB_NO_NATIVE" not in SET_UP.read_text()
