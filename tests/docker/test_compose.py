from pathlib import Path
from typing import Any

import pytest
import yaml

from examples.three_organisations import embedding_server, seed
from examples.three_organisations.member import Member
from examples.three_organisations.organisations import ORGANISATIONS, Organisation
from examples.three_organisations.recipes import RECIPES
from node.config import FederationListener
from node.config_names import refuse_unknown_names
from tests.docker.dockerfile import read

ROOT = Path(__file__).parents[2]
HARDENED = {
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())
    return loaded


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose["services"]
    return found


organisation = pytest.mark.parametrize("one", ORGANISATIONS, ids=lambda one: one.short)


def test_there_are_four_services_for_each_organisation(services: dict[str, Any]) -> None:
    expected = {"volumes"}
    for one in ORGANISATIONS:
        expected |= {one.short, f"{one.short}-model", f"{one.short}-create", f"{one.short}-join"}
    assert set(services) == expected


def test_every_service_runs_the_same_image_hardened(services: dict[str, dict[str, Any]]) -> None:
    for service in services.values():
        assert service["image"] == "interlingua-demo"
        assert {key: service[key] for key in HARDENED} == HARDENED
        assert "privileged" not in service
        assert "docker.sock" not in str(service.get("volumes"))


def test_only_the_step_that_hands_out_volumes_is_root(services: dict[str, dict[str, Any]]) -> None:
    roots = [name for name, service in services.items() if "user" in service]
    assert roots == ["volumes"]
    assert services["volumes"]["cap_add"] == ["CHOWN"]
    user = read(ROOT / "docker" / "Dockerfile").stages["node"].all("USER")[0]
    assert services["volumes"]["entrypoint"][:2] == ["chown", user]


@organisation
def test_the_steps_are_the_demo_s_own(
    services: dict[str, dict[str, Any]], one: Organisation, tmp_path: Path
) -> None:
    parsed = {}
    for part in ("create", "join"):
        service = services[f"{one.short}-{part}"]
        assert service["entrypoint"] == ["python", "-m", seed.__name__, part]
        parsed[part] = seed.parser().parse_args([part, *service["command"]])
        assert parsed[part].member == one.short
        assert parsed[part].url == f"http://{one.short}:{FederationListener().port}"
    assert (parsed["create"].data, parsed["create"].exchange) == (
        parsed["join"].data,
        parsed["join"].exchange,
    )
    refuse_unknown_names((each.partition("=")[0] for each in parsed["create"].set), "compose.yaml")
    assert parsed["join"].model_url == f"http://{one.short}-model:8080/v1"
    del tmp_path


@organisation
def test_the_model_server_gets_options_that_it_knows(
    services: dict[str, dict[str, Any]], one: Organisation
) -> None:
    service = services[f"{one.short}-model"]
    assert service["entrypoint"] == ["python", "-m", embedding_server.__name__]
    chosen = embedding_server.parser().parse_args(service["command"])
    assert chosen.recipe == one.recipe
    assert chosen.recipe in RECIPES
    assert chosen.port == 8080
    assert [f"{one.short}-model:{chosen.model.parent}"] == service["volumes"]


@organisation
def test_a_node_shares_a_volume_with_its_own_steps_only(
    services: dict[str, dict[str, Any]], one: Organisation
) -> None:
    mine = f"{one.short}:/data"
    users = {
        name
        for name, service in services.items()
        if mine in service.get("volumes", []) and name != "volumes"
    }
    assert users == {one.short, f"{one.short}-create", f"{one.short}-join"}


@organisation
def test_the_steps_wait_for_what_they_need(
    services: dict[str, dict[str, Any]], one: Organisation
) -> None:
    node, join = services[one.short], services[f"{one.short}-join"]
    created = node["depends_on"][f"{one.short}-create"]["condition"]
    assert created == "service_completed_successfully"
    for needed in (one.short, f"{one.short}-model"):
        assert join["depends_on"][needed]["condition"] == "service_healthy"


def test_only_nodes_meet_in_the_federation_network(
    compose: dict[str, Any], services: dict[str, dict[str, Any]]
) -> None:
    there = {name for name, service in services.items() if "federation" in _networks(service)}
    assert there == {one.short for one in ORGANISATIONS}
    assert all(network["internal"] for network in compose["networks"].values())


def test_every_volume_and_network_is_declared(
    compose: dict[str, Any], services: dict[str, dict[str, Any]]
) -> None:
    for service in services.values():
        assert {volume.partition(":")[0] for volume in service.get("volumes", [])} <= set(
            compose["volumes"]
        )
        assert set(_networks(service)) <= set(compose["networks"])
        assert set(service.get("depends_on", {})) <= set(services)


def _networks(service: dict[str, Any]) -> list[str]:
    networks: list[str] = service.get("networks", [])
    return networks


def test_seed_and_demo_call_the_same_steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What `join` does is what the demo does for each member, in the demo's order."""
    source = Path(seed.__file__).with_name("demo.py").read_text(encoding="utf-8")
    called: list[str] = []
    steps = ("pair", "load", "embed_anchors", "share_space", "refresh", "grant")
    for step in steps:
        monkeypatch.setattr(Member, step, lambda *_, name=step: called.append(name))
        assert f"Member.{step}" in source or f".{step}(" in source
    monkeypatch.setattr(seed, "write_documents", lambda *_: 0)
    monkeypatch.setattr(seed, "write_public", lambda *_: 0)
    monkeypatch.setattr(seed, "public_texts", lambda: None)
    monkeypatch.setattr(
        seed, "model_at", lambda url: {"url": url, "model": "word", "revision": "0"}
    )
    member = seed.member_of(
        seed.parser().parse_args(
            [
                *("join", "--member=network", f"--data={tmp_path}/node"),
                *(f"--exchange={tmp_path}/exchange", "--url=http://network:8440"),
            ]
        )
    )
    seed.join(member, "http://network-model:8080/v1")
    assert sorted(called) == sorted(steps)
    seed.join(member, "http://network-model:8080/v1")  # done once is done
    assert sorted(called) == sorted(steps)
