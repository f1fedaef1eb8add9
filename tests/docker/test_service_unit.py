import configparser
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "docker" / "interlingua.service"


@pytest.fixture(scope="module")
def unit() -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's names keep their case
    parser.read(UNIT, encoding="utf-8")
    return parser


def test_it_runs_the_installed_command_as_its_own_user(unit: configparser.RawConfigParser) -> None:
    service = unit["Service"]
    assert service["ExecStart"].endswith("/interlingua serve")
    assert service["User"] == service["Group"] == "interlingua"
    assert service["Environment"] == "INTERLINGUA_DATA=/var/lib/interlingua/node"


def test_it_may_write_to_its_state_directory_only(unit: configparser.RawConfigParser) -> None:
    service = unit["Service"]
    assert service["ProtectSystem"] == "strict"
    assert service["StateDirectory"] == "interlingua"
    assert service["StateDirectoryMode"] == "0700"
    assert "ReadWritePaths" not in service


def test_it_has_no_privileges_and_can_get_none(unit: configparser.RawConfigParser) -> None:
    service = unit["Service"]
    assert service["NoNewPrivileges"] == "yes"
    assert service["CapabilityBoundingSet"] == ""
    assert service["AmbientCapabilities"] == ""
    assert set(service["RestrictAddressFamilies"].split()) == {"AF_INET", "AF_INET6", "AF_UNIX"}


def test_it_gets_time_to_end_its_requests(unit: configparser.RawConfigParser) -> None:
    from node.config import Settings

    shutdown_s = Settings.model_fields["shutdown_s"].default
    assert float(unit["Service"]["TimeoutStopSec"].rstrip("s")) > shutdown_s
    assert unit["Service"]["KillSignal"] == "SIGTERM"
