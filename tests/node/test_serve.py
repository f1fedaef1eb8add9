"""The running node as a process: it says where it listens, stops cleanly, and survives kill -9."""

from __future__ import annotations

import asyncio
import http.client
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from urllib.request import urlopen

import pytest

from node.data_directory import DataDirectory
from node.listeners.addresses import Listeners, read
from node.operations.errors import InvalidRequest, Unavailable
from node.operations.exit_codes import ExitCode
from tests.conftest import MakeNode, NewNode, Serving
from tests.scenarios import node_process

COMMAND = [sys.executable, "-m", "node.cli.main"]
PATIENCE_S = 30.0


@contextmanager
def process(data: DataDirectory) -> Iterator[subprocess.Popen[bytes]]:
    """`interlingua serve` as its own process, killed at the end if it still runs."""
    running = subprocess.Popen(
        [*COMMAND, "serve", "--json", "--data", str(data.path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with running:
        try:
            yield running
        finally:
            running.kill()


def started(running: subprocess.Popen[bytes]) -> Listeners:
    assert running.stdout is not None
    assert running.stderr is not None
    line = running.stdout.readline()
    assert line, running.stderr.read().decode()
    return Listeners.model_validate_json(line)


@asynccontextmanager
async def forked(data: DataDirectory) -> AsyncIterator[ForkServerProcess]:
    """A node that serves in a forked process, killed at the end if it still runs."""
    running = await node_process.started(data.path)
    try:
        while (listening := read(data)) is None or listening.pid != running.pid:
            assert running.is_alive()
            await asyncio.sleep(0.01)
        yield running
    finally:
        running.kill()
        await asyncio.to_thread(running.join)


def test_it_says_where_it_listens_and_stops_on_sigterm(new_node: NewNode) -> None:
    with process(new_node.data) as running:
        listeners = started(running)
        assert listeners == read(new_node.data)
        assert listeners.pid == running.pid
        assert listeners.admin.port != 0
        with urlopen(f"{listeners.admin.url}/readyz") as answer:  # noqa: S310 - loopback, http
            assert json.load(answer) == {"ok": True, "reasons": []}
        running.send_signal(signal.SIGTERM)
        out, err = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 0, err.decode()
    assert out == b""
    events = [json.loads(line)["event"] for line in err.splitlines()]
    assert events == ["serving", "stopping", "stopped"]
    assert read(new_node.data) is None


async def test_a_killed_node_leaves_nothing_that_stops_the_next_one(
    new_node: NewNode, serving: Serving
) -> None:
    async with forked(new_node.data) as running:
        running.kill()
        await asyncio.to_thread(running.join)
    assert new_node.data.admin_socket.exists()
    async with serving(new_node):
        pass


async def test_a_request_under_way_is_answered_before_it_stops(new_node: NewNode) -> None:
    async with forked(new_node.data) as running:
        listeners = read(new_node.data)
        assert listeners is not None
        connection = http.client.HTTPConnection("127.0.0.1", listeners.local_api.port)
        connection.putrequest("GET", "/v1/openapi.json")
        connection.putheader("Content-Length", "4")
        connection.endheaders()
        connection.send(b"ab")
        await asyncio.sleep(0.2)  # the request's head is there before the signal
        running.terminate()
        await asyncio.sleep(0.2)
        connection.send(b"cd")
        assert connection.getresponse().status == 200
        connection.close()
        await asyncio.to_thread(running.join, PATIENCE_S)
        assert running.exitcode == 0


def test_a_second_node_on_the_directory_is_refused_and_ctrl_c_stops_the_first(
    new_node: NewNode,
) -> None:
    with process(new_node.data) as running:
        started(running)
        second = subprocess.run(
            [*COMMAND, "serve", "--json", "--data", str(new_node.path)],
            capture_output=True,
            timeout=PATIENCE_S,
        )
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 0
    assert second.returncode == ExitCode.UNAVAILABLE
    assert json.loads(second.stdout)["problem"]["code"] == "data-directory-in-use"


async def test_a_port_that_is_taken_is_named(make_node: MakeNode, serving: Serving) -> None:
    async with serving(make_node("one.example")) as listeners:
        taken = make_node("two.example", {"local_api.port": listeners.local_api.port})
        with pytest.raises(Unavailable, match=str(listeners.local_api.port)) as refused:
            async with serving(taken):
                pass
    assert "local_api.port" in refused.value.fix


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ({"federation.host": "0.0.0.0"}, "plaintext-refused"),  # noqa: S104 - never bound
        ({"local_api.host": "0.0.0.0"}, "remote-refused"),  # noqa: S104 - never bound
        ({"admin.host": "::"}, "remote-refused"),
        ({"federation.client_ca": "ca.pem"}, "client-ca-without-tls"),
        ({"federation.tls_certificate": "c.pem", "federation.tls_key": "k.pem"}, "tls-files"),
    ],
)
async def test_unsafe_listeners_do_not_start(
    make_node: MakeNode, serving: Serving, setting: dict[str, str], code: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        async with serving(make_node(setting=setting)):
            pass
    assert refused.value.code == code


async def test_starting_and_stopping_leaves_no_file_open(
    new_node: NewNode, serving: Serving
) -> None:
    async with serving(new_node):
        pass
    before = descriptors()
    for _ in range(3):
        async with serving(new_node):
            pass
    assert descriptors() <= before


def descriptors() -> int:
    """Files that this process has open; 0 where the system does not tell."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0
