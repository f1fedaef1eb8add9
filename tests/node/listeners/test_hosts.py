"""A name that somebody else points at this machine does not open the local listeners."""

from __future__ import annotations

import pytest

from node.listeners.addresses import Listeners
from node.listeners.hosts import is_known
from tests.conftest import MakeNode, NewNode, Serving
from tests.node.listeners.raw import exchange

PATHS = {"admin": "/metrics", "local_api": "/v1/openapi.json"}


def port(listeners: Listeners, name: str) -> int:
    return {"admin": listeners.admin, "local_api": listeners.local_api}[name].port


@pytest.mark.parametrize("name", PATHS)
async def test_a_foreign_name_is_refused_with_a_named_problem(
    new_node: NewNode, serving: Serving, name: str
) -> None:
    async with serving(new_node) as listeners:
        where, line = port(listeners, name), f"GET {PATHS[name]} HTTP/1.1"
        for host in (f"evil.example:{where}", "evil.example", "127.0.0.1.evil.example", ""):
            refused = await exchange(where, line, host=host)
            assert refused.status == 421
            assert refused.problem["code"] == "misdirected-request"
            assert f"{name}.names" in refused.problem["fix"]
            assert "evil" not in refused.body.decode()
        twice = await exchange(where, line, "Host: evil.example", host="127.0.0.1")
        assert twice.status in (400, 421)
        unknown = await exchange(where, "GET /nothing HTTP/1.1", host="evil.example")
        assert unknown.status == 421, "what is there is not told either"


@pytest.mark.parametrize("name", PATHS)
async def test_addresses_localhost_and_listed_names_are_served(
    make_node: MakeNode, serving: Serving, name: str
) -> None:
    new = make_node(setting={f"{name}.names": ["metrics.internal"]})
    async with serving(new) as listeners:
        where = port(listeners, name)
        for host in (f"127.0.0.1:{where}", f"localhost:{where}", "[::1]", "Metrics.Internal:80"):
            answer = await exchange(where, f"GET {PATHS[name]} HTTP/1.1", host=host)
            assert answer.status == 200, host


@pytest.mark.parametrize(
    ("authority", "known"),
    [
        ("localhost", True),
        ("LOCALHOST:8442", True),
        ("localhost.", True),
        ("192.168.1.7:8442", True),
        ("[fd00::7]:8442", True),
        ("node.internal", True),
        ("node.internal.evil.example", False),
        ("xnode.internal", False),
        ("localhost.evil.example", False),
        ("127.1", False),
        ("0x7f.0.0.1", False),
        ("2130706433", False),
        ("user@localhost", False),
        ("localhost:80:80", False),
        ("localhost ", False),
        ("evil.example\tlocalhost", False),
        ("", False),
    ],
)
def test_which_host_fields_are_known(authority: str, known: bool) -> None:
    assert is_known(authority, frozenset({"node.internal"})) is known
