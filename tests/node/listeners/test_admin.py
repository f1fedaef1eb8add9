"""Health and readiness mean what they say; metrics count without content."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import aiohttp
import pytest

from node.health import Health, disk_reasons
from node.node import Node
from node.passphrase import Passphrase
from tests.conftest import NewNode, Serving


async def get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.text()


async def test_a_serving_node_is_alive_and_ready(new_node: NewNode, serving: Serving) -> None:
    async with serving(new_node) as listeners:
        for path in ("/healthz", "/readyz"):
            status, body = await get(listeners.admin.url + path)
            assert (status, body) == (200, '{"ok":true,"reasons":[]}')


async def test_a_node_whose_card_cannot_be_renewed_is_not_ready(
    new_node: NewNode, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(new_node) as listeners:
        monkeypatch.setattr("node.card_keeper.RENEW_AFTER_S", -1)  # so a new one is due at once
        (new_node.path / "card.json").unlink()
        (new_node.path / "card.json").mkdir()  # so it cannot be kept, and is not shown
        status, body = await get(listeners.admin.url + "/readyz")
        assert status == 503
        assert "card: " in body
        status, _ = await get(listeners.admin.url + "/healthz")
        assert status == 200


async def test_metrics_count_requests_by_route_and_no_strangers_path(
    new_node: NewNode, serving: Serving
) -> None:
    async with serving(new_node) as listeners:
        await get(listeners.federation.url + "/canary-path")
        await get(listeners.federation.url + "/.well-known/interlingua-node")
        await get(listeners.local_api.url + "/canary-path")
        status, text = await get(listeners.admin.url + "/metrics")
    assert status == 200
    assert "canary-path" not in text
    assert (
        'interlingua_http_requests_total{listener="federation",'
        'route="/.well-known/interlingua-node",status="200"} 1.0'
    ) in text


async def test_metrics_say_what_the_node_holds_and_what_expires(
    new_node: NewNode, serving: Serving
) -> None:
    async with serving(new_node) as listeners:
        _, text = await get(listeners.admin.url + "/metrics")
    figures = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[:1] != "#")
    assert float(figures["interlingua_serving"]) == 1
    assert float(figures["interlingua_log_leaves"]) >= 1, "the start has a leaf"
    root, card = figures["interlingua_root_expires"], figures["interlingua_card_expires"]
    assert float(card) < float(root)


async def test_a_node_is_not_ready_before_and_after_it_serves(new_node: NewNode) -> None:
    async with Node.opened(new_node.data, new_node.settings, passphrase=Passphrase()) as node:
        health = Health(node)
        assert await health.ready() == ["phase: starting"]
        health.serving()
        assert await health.ready() == []
        health.draining()
        assert await health.ready() == ["phase: draining"]
        assert await health.alive() == []


async def test_an_expired_root_document_is_not_ready(new_node: NewNode) -> None:
    later = 1_000_000_000_000
    async with Node.opened(
        new_node.data, new_node.settings, passphrase=Passphrase(), clock=lambda: later
    ) as node:
        health = Health(node)
        health.serving()
        assert await health.ready() == ["root document: expired"]


def test_a_disk_that_takes_no_byte_is_a_reason(tmp_path: Path) -> None:
    assert disk_reasons(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
    (tmp_path / f".probe.{os.getpid()}").symlink_to(tmp_path / "elsewhere")
    (reason,) = disk_reasons(tmp_path)
    assert reason.startswith("disk: a byte could not be written")


async def test_a_closed_log_is_a_reason(new_node: NewNode) -> None:
    async with Node.opened(new_node.data, new_node.settings, passphrase=Passphrase()) as node:
        health = Health(node)
        health.serving()
        await node.log.close()
        reasons = await health.ready()
    assert reasons
    assert reasons[0].startswith("log: ")


@pytest.mark.parametrize("path", ["/", "/v1/status", "/federation/v1/query"])
async def test_the_admin_listener_has_nothing_else(
    new_node: NewNode, serving: Serving, path: str
) -> None:
    async with serving(new_node) as listeners:
        assert (await get(listeners.admin.url + path))[0] == 404


async def test_health_is_asked_of_the_disk_at_a_bounded_rate(new_node: NewNode) -> None:
    async with Node.opened(new_node.data, new_node.settings, passphrase=Passphrase()) as node:
        health = Health(node)
        answers = await asyncio.gather(*(health.alive() for _ in range(50)))
    assert all(answer == [] for answer in answers)
