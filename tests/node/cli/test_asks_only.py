"""`init --asks-only`: a node without url and federation listener serves its own programs."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from node.cli.main import app
from node.config_reading import load_settings, parse_settings
from node.data_directory import DataDirectory
from node.listeners.addresses import Listeners, read
from node.operations.errors import InvalidRequest, NotFound
from tests.conftest import NewNode, Serving

INIT = ("init", "--organisation", "lab.example", "--no-passphrase")
PORTS = ("--set", "local_api.port=0", "--set", "admin.port=0")


async def test_it_listens_for_its_own_people_only(tmp_path: Path, serving: Serving) -> None:
    data = DataDirectory(tmp_path / "lab")
    line = [*INIT, *PORTS, "--asks-only", "--data", str(data.path)]
    made = CliRunner().invoke(app, line)
    assert made.exit_code == 0, made.output
    async with serving(NewNode(data, load_settings(data.config_file), "")) as listeners:
        assert listeners.partners is None
        assert listeners.local_api.port
        assert read(data) == listeners
        with pytest.raises(NotFound, match="only asks"):
            _ = listeners.federation
    assert Listeners.model_validate_json(listeners.model_dump_json()) == listeners


@pytest.mark.parametrize(
    "text",
    [
        'organisation = "lab.example"\n',
        'organisation = "lab.example"\nurl = "https://a.example"\n[federation]\nenabled = false\n',
    ],
)
def test_a_url_stands_exactly_where_partners_can_use_it(text: str) -> None:
    with pytest.raises(InvalidRequest, match="url"):
        parse_settings(text, "interlingua.toml", environ={})
