"""An auditor's token reads the log over the local API, and the log says so first."""

from __future__ import annotations

import gzip
from typing import Any

import aiohttp

from node.audit.readings import READING_S
from node.listeners.addresses import Listeners
from protocol.checkpoint import parse_checkpoint
from protocol.leaf import AuditRead, decode_leaf
from protocol.merkle import leaf_hash
from protocol.note import parse_note
from tests.conftest import NewNode, Serving
from tests.node.listeners.test_local_api import ask, token


async def fetch(
    listeners: Listeners, path: str, secret: str, encoding: str = "identity"
) -> tuple[int, dict[str, str], bytes]:
    headers = {"Authorization": f"Bearer {secret}", "Accept-Encoding": encoding}
    async with (
        aiohttp.ClientSession(listeners.local_api.url, auto_decompress=False) as session,
        session.get("/v1/log/" + path, headers=headers) as answer,
    ):
        return answer.status, dict(answer.headers), await answer.read()


def entries(raw: bytes) -> list[bytes]:
    found = []
    while raw:
        ends = 2 + int.from_bytes(raw[:2], "big")
        found.append(raw[2:ends])
        raw = raw[ends:]
    return found


def reads(leaves: list[bytes]) -> list[AuditRead]:
    return [leaf for raw in leaves if isinstance(leaf := decode_leaf(raw), AuditRead)]


async def size_of(listeners: Listeners, secret: str) -> int:
    status, headers, note = await fetch(listeners, "checkpoint", secret)
    assert (status, headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    return parse_checkpoint(parse_note(note).text).size


async def test_an_auditor_reads_every_leaf_and_stands_in_the_log_for_it(
    new_node: NewNode, serving: Serving
) -> None:
    secret, asker = token(new_node, "auditor"), token(new_node, "asker")
    async with serving(new_node) as listeners:
        before = await size_of(listeners, secret)
        refused = [await fetch(listeners, path, asker) for path in ("checkpoint", "tile/0/000.p/1")]
        assert [answer[0] for answer in refused] == [403, 403]

        bundle = f"tile/entries/000.p/{before}"
        status, headers, raw = await fetch(listeners, bundle, secret)
        assert (status, headers["Content-Type"]) == (200, "application/octet-stream")
        assert headers["Cache-Control"] == "private, max-age=31536000, immutable"
        assert len(entries(raw)) == before
        assert reads(entries(raw)) == []
        _, packed, content = await fetch(listeners, bundle, secret, "gzip")
        assert (packed["Content-Encoding"], gzip.decompress(content)) == ("gzip", raw)

        after = await size_of(listeners, secret)
        assert after == before + 1  # one leaf for both, written before the first was given
        _, _, all_of_it = await fetch(listeners, f"tile/entries/000.p/{after}", secret)
        _, _, hashes = await fetch(listeners, f"tile/0/000.p/{after}", secret)
        assert await size_of(listeners, secret) == after
        assert b"".join(map(leaf_hash, entries(all_of_it))) == hashes
        (read,) = reads(entries(all_of_it))
        assert (read.by, read.reading, read.size, read.count) == (
            "auditor-0",
            "entries",
            before,
            before,
        )
        for path in (f"tile/entries/000.p/{after + 1}", "tile/0/000", "tile/0/0", "tile/x"):
            assert (await fetch(listeners, path, secret))[0] == 404


async def test_a_search_leaves_one_leaf_however_many_pages_are_read(
    new_node: NewNode, serving: Serving
) -> None:
    boards = [token(new_node, "auditor"), token(new_node, "auditor")]
    async with serving(new_node) as listeners:
        size, pages, page = await size_of(listeners, boards[0]), 0, "?limit=1"
        found: list[dict[str, Any]] = []
        while True:
            answer = await ask(listeners, "GET", "/v1/audit/search" + page, boards[0])
            assert answer.status == 200
            found, pages = [*answer.body["leaves"], *found], pages + 1
            if answer.body["before"] is None:
                break
            page = f"?limit=1&before={answer.body['before']}"
        assert [leaf["index"] for leaf in found] == list(range(size + 1))
        assert pages == size + 1
        own = found[-1]
        assert (own["type"], own["fields"]["reading"], own["fields"]["count"]) == (
            "audit-read",
            "search",
            size,
        )
        narrow = "/v1/audit/search?type=start&since=1"
        for secret in (*boards, *boards):
            assert (await ask(listeners, "GET", narrow, secret)).body["leaves"][0][
                "type"
            ] == "start"
        last = await ask(listeners, "GET", "/v1/audit/search?type=audit-read", boards[0])
        told = [
            (leaf["fields"]["by"], leaf["fields"].get("filter")) for leaf in last.body["leaves"]
        ]
        assert told == [
            ("auditor-0", {"type": "audit-read"}),
            ("auditor-1", {"type": "start", "since": 1}),
            ("auditor-0", {"type": "start", "since": 1}),
            ("auditor-0", None),
        ]
        assert last.body["leaves"][1]["fields"]["count"] == 1
        by_purpose = "/v1/audit/search?purpose=research"  # what is searched for is not stated
        assert (await ask(listeners, "GET", by_purpose, boards[0])).status == 200
        wrong = await ask(listeners, "GET", "/v1/audit/search?query=abc", boards[0])
        assert (wrong.status, wrong.body["code"]) == (400, "invalid-request")
        wrong = await ask(listeners, "GET", "/v1/audit/search?type=anwsered", boards[0])
        assert (wrong.status, wrong.body["code"]) == (400, "invalid-request")
        assert "answered, repeated, denied" in wrong.body["detail"]


async def test_a_reading_ends_after_an_hour_and_nothing_is_read_without_its_leaf(
    new_node: NewNode,
) -> None:
    import pytest

    from node.audit.errors import LogHeld
    from node.node import Node
    from node.passphrase import Passphrase

    now = 1_800_000_000
    async with Node.opened(
        new_node.data, new_node.settings, passphrase=Passphrase(), clock=lambda: now
    ) as node:
        size = node.log.size()

        def count() -> tuple[int, int]:
            return node.log.size(), 0

        for at in (0, 1, READING_S - 1, READING_S, READING_S + 1):
            now = 1_800_000_000 + at
            await node.readings.note("board", "search", count)
        assert node.log.size() == size + 2
        node.log.hold("a test")
        await node.readings.note("board", "search", count)  # under way: its leaf is there
        with pytest.raises(LogHeld):
            await node.readings.note("other", "search", count)
