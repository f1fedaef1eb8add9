"""The federation listener hands on raw bytes, serves two documents, and knows nothing else."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import aiohttp
import pytest

from keys.words import fingerprint
from node.listeners.addresses import Listeners
from node.listeners.bodies import Bodies
from protocol.card import accept_card
from protocol.limits import MAX_QUERY_BYTES
from protocol.pairing import pin_of
from protocol.root import accept_root
from tests.conftest import MakeNode, NewNode, Serving
from tests.node.listeners.raw import Raw, exchange


async def get(url: str) -> tuple[int, str, bytes]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, answer.content_type, await answer.read()


async def test_the_signed_documents_verify(new_node: NewNode, serving: Serving) -> None:
    async with serving(new_node) as listeners:
        base = f"{listeners.federation.url}/.well-known"
        status, _, raw_root = await get(f"{base}/interlingua-root")
        assert status == 200
        assert (await get(f"{base}/interlingua-root/1"))[2] == raw_root
        status, _, raw_card = await get(f"{base}/interlingua-node")
        assert status == 200
    at = new_node.path.stat().st_mtime_ns // 10**9
    root = accept_root(raw_root, pin_of(raw_root), None, at, organisation="clinic.example")
    assert " ".join(fingerprint(root.roots[0].record.public)) == new_node.fingerprint
    assert accept_card(raw_card, root, None, at).organisation == "clinic.example"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/.well-known/interlingua-root/2",
        "/.well-known/interlingua-root/0",
        "/.well-known/interlingua-root/x",
        "/.well-known/other",
        "/v1/status",
        "/metrics",
        "/federation/v1/query/",
        "/federation/v1/quer%79",
        "/federation/v1//query",
        "/federation/v2/query",
    ],
)
async def test_every_other_path_is_unknown(new_node: NewNode, serving: Serving, path: str) -> None:
    async with serving(new_node) as listeners:
        answer = await exchange(listeners.federation.port, f"GET {path} HTTP/1.1")
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.problem["status"] == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"])
async def test_every_other_method_is_unknown(
    new_node: NewNode, serving: Serving, method: str
) -> None:
    async with serving(new_node) as listeners:
        answer = await exchange(
            listeners.federation.port, f"{method} /federation/v1/query HTTP/1.1"
        )
    assert answer.status == 404
    assert answer.problem["code"] == "unknown-endpoint"


@pytest.mark.parametrize(
    "line",
    ["CANARY /federation/v1/query HTTP/1.1", "GET / HTTP/9", "canary", "GET /" + "c" * 9000],
)
async def test_what_is_no_http_is_refused_without_being_quoted(
    new_node: NewNode, serving: Serving, line: str
) -> None:
    async with serving(new_node) as listeners:
        answer = await exchange(listeners.federation.port, line)
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert "canary" not in str((answer.headers, answer.body)).lower()
    assert "aiohttp" not in str(answer.headers)


async def test_an_unsigned_question_is_refused_by_the_protocol(
    new_node: NewNode, serving: Serving
) -> None:
    async with serving(new_node) as listeners:
        answer = await exchange(
            listeners.federation.port,
            "POST /federation/v1/query HTTP/1.1",
            "Content-Type: application/json",
            body=b"{}",
        )
    assert answer.status == 400
    assert answer.problem["code"] == "malformed-request"
    assert answer.headers["server"] == "interlingua"


async def test_a_body_over_the_limit_is_refused_before_it_is_kept(
    new_node: NewNode, serving: Serving
) -> None:
    async with serving(new_node) as listeners:
        answer = await exchange(
            listeners.federation.port,
            "POST /federation/v1/query HTTP/1.1",
            body=b"x" * (MAX_QUERY_BYTES + 2),
        )
    assert answer.status == 413
    assert answer.problem["code"] == "too-large"


async def test_a_body_that_does_not_arrive_in_time_is_given_up(
    make_node: MakeNode, serving: Serving
) -> None:
    async with serving(make_node(setting={"federation.body_timeout_s": 0.2})) as listeners:
        answer = await exchange(
            listeners.federation.port,
            "POST /federation/v1/query HTTP/1.1",
            "Content-Length: 100",
            body=b"x" * 10,
            announce=False,
        )
    assert answer.status == 408


async def test_bodies_of_many_senders_share_one_sum(
    new_node: NewNode, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bodies.__init__, "__defaults__", (100_000,))
    async with serving(new_node) as listeners:
        port = listeners.federation.port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /federation/v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 99000\r\n\r\n"
            + b"x" * 90_000
        )
        await writer.drain()
        line, body = "POST /federation/v1/query HTTP/1.1", b"x" * 20_000
        busy = await until(503, port, line, body)
        assert busy.problem["code"] == "busy"
        writer.close()
        assert (await until(400, port, line, body)).problem["code"] == "malformed-request"
        del reader


async def until(status: int, port: int, line: str, body: bytes) -> Raw:
    """The first answer with this status: what others hold changes a moment later."""
    for _ in range(100):
        answer = await exchange(port, line, "Content-Type: application/json", body=body)
        if answer.status == status:
            return answer
        await asyncio.sleep(0.02)
    return answer


async def test_a_compressed_body_is_not_opened(new_node: NewNode, serving: Serving) -> None:
    async with serving(new_node) as listeners:
        answer = await exchange(
            listeners.federation.port,
            "POST /federation/v1/query HTTP/1.1",
            "Content-Type: application/json",
            "Content-Encoding: gzip",
            body=b"this is no gzip",
        )
    assert answer.status in (400, 415), "refused by the protocol, not by a decompressor"
    assert answer.problem["code"] in {"malformed-request", "unsupported-media-type"}


async def test_connections_over_the_cap_are_closed_and_others_served(
    make_node: MakeNode, serving: Serving
) -> None:
    async with serving(make_node(setting={"federation.max_connections": 2})) as listeners:
        port = listeners.federation.port
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.read() == b""
        writer.close()
        for _, each in held:
            each.close()
            await each.wait_closed()
        assert await until_served(listeners) == 200


async def until_served(listeners: Listeners) -> int:
    """The status of the card, once the closed connections are forgotten."""
    for _ in range(100):
        try:
            return (await get(f"{listeners.federation.url}/.well-known/interlingua-node"))[0]
        except aiohttp.ClientError:
            await asyncio.sleep(0.05)
    return 0


async def test_the_host_header_decides_and_not_a_guess(new_node: NewNode, serving: Serving) -> None:
    async with serving(new_node) as listeners:
        answer = await exchange(
            listeners.federation.port,
            "POST /federation/v1/query HTTP/1.0",
            "Content-Type: application/json",
            body=b"{}",
            host=None,
        )
    assert answer.status == 400
    assert urlsplit(listeners.federation.url).port == listeners.federation.port
