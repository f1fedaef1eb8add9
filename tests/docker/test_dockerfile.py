import json
import tomllib
from pathlib import Path

import pytest

from tests.docker.dockerfile import Dockerfile, read

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def dockerfile() -> Dockerfile:
    return read(ROOT / "docker" / "Dockerfile")


def test_the_base_image_is_a_build_argument_of_every_stage(dockerfile: Dockerfile) -> None:
    assert dockerfile.arguments["BASE"].startswith("python:")
    bases = {stage.base for stage in dockerfile.stages.values()}
    assert bases - set(dockerfile.stages) == {"${BASE}"}


def test_hnswlib_is_not_compiled_for_the_builder_s_processor(dockerfile: Dockerfile) -> None:
    assert "HNSWLIB_NO_NATIVE=1" in " ".join(dockerfile.stages["build"].all("ENV"))


def test_the_compiler_stays_in_the_build_stage(dockerfile: Dockerfile) -> None:
    for name in ("node", "demo"):
        runs = " ".join(dockerfile.stages[name].all("RUN"))
        assert "apt-get" not in runs
        assert "pip install" not in runs


def test_packages_are_installed_by_hash(dockerfile: Dockerfile) -> None:
    for stage in dockerfile.stages.values():
        for run in stage.all("RUN"):
            for command in run.split("&&"):
                if "pip install" in command:
                    assert "--require-hashes" in command or "--no-deps" in command, command


def test_the_image_runs_as_an_unprivileged_user_by_number(dockerfile: Dockerfile) -> None:
    user, group = dockerfile.stages["node"].all("USER")[-1].split(":")
    assert int(user) > 1000
    assert int(group) > 1000
    assert dockerfile.stages["demo"].all("USER") == []  # it keeps the node's


def test_it_writes_to_the_data_volume_only(dockerfile: Dockerfile) -> None:
    node = dockerfile.stages["node"]
    assert json.loads(node.all("VOLUME")[0]) == ["/data"]
    environment = " ".join(node.all("ENV"))
    assert "INTERLINGUA_DATA=/data/node" in environment
    assert "PYTHONDONTWRITEBYTECODE=1" in environment


def test_it_says_whether_it_is_healthy(dockerfile: Dockerfile) -> None:
    from node.config import AdminListener
    from node.listeners import admin

    check = dockerfile.stages["node"].all("HEALTHCHECK")[0]
    command = json.loads(check[check.index("CMD") + 3 :])
    assert command[:2] == ["python", "-c"]
    compile(command[2], "healthcheck", "exec")
    assert f"127.0.0.1:{AdminListener().port}/healthz" in command[2]
    assert '"/healthz"' in Path(admin.__file__).read_text(encoding="utf-8")


def test_the_entry_point_is_the_installed_command(dockerfile: Dockerfile) -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    node = dockerfile.stages["node"]
    assert json.loads(node.all("ENTRYPOINT")[0]) == ["interlingua"]
    assert "interlingua" in scripts
    assert json.loads(node.all("CMD")[0]) == ["serve"]


def test_what_is_copied_exists_and_reaches_the_builder(dockerfile: Dockerfile) -> None:
    let_through = {
        line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines()
    }
    for stage in dockerfile.stages.values():
        for copy in stage.all("COPY"):
            if copy.startswith("--from="):
                assert copy.split()[0].removeprefix("--from=") in dockerfile.stages
                continue
            for source in copy.split()[:-1]:
                assert (ROOT / source).exists(), source
                assert source.partition("/")[0] in let_through, source


def test_every_package_of_the_distribution_is_in_the_image(dockerfile: Dockerfile) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["setuptools"]["packages"]["find"]["include"]
    copied = {copy.split()[0] for copy in dockerfile.stages["build"].all("COPY")}
    assert {package.rstrip("*") for package in packages} <= copied
