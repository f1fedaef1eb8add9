"""What an inviter's node may answer, and what the requesting side makes of it."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from node.federation.client import Client, ConnectionBroke
from node.federation.deliver_request import ATTEMPTS, deliver
from node.federation.errors import PairingFailed
from node.federation.transport import Transport
from protocol.invitation import PairingRefused
from protocol.pairing import PAIRING_PATH, RECEIVED, problem_of
from protocol.problems import Code, Problem

LOOPBACK = Transport(reach="loopback")
UNKNOWN = problem_of(PairingRefused("invitation-unknown", "x")).encode()


class Inviter:
    """A node that answers as it is told; `cuts` connections are cut before."""

    def __init__(self) -> None:
        self.status, self.body, self.cuts = 202, RECEIVED, 0
        self.received: list[bytes] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.received.append(await request.read())
        if self.cuts > 0:
            self.cuts -= 1
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=self.status, body=self.body)


@pytest.fixture
def inviter() -> Inviter:
    return Inviter()


@pytest.fixture
async def url(inviter: Inviter) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post(PAIRING_PATH, inviter.answer)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    made = Client()
    yield made
    await made.close()


async def test_a_connection_that_breaks_is_tried_again_with_the_same_bytes(
    client: Client, inviter: Inviter, url: str
) -> None:
    inviter.cuts = ATTEMPTS - 1
    await deliver(client, url, LOOPBACK, b"the request")
    assert inviter.received == [b"the request"] * ATTEMPTS
    inviter.cuts = ATTEMPTS
    with pytest.raises(ConnectionBroke):
        await deliver(client, url, LOOPBACK, b"the request")


async def test_a_reason_is_passed_on(client: Client, inviter: Inviter, url: str) -> None:
    inviter.status, inviter.body = 403, UNKNOWN
    with pytest.raises(PairingRefused, match="There is no such invitation") as refused:
        await deliver(client, url, LOOPBACK, b"")
    assert refused.value.reason == "invitation-unknown"


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", Problem.of(Code.BUSY).encode(), UNKNOWN[:-1]]
)
async def test_any_other_answer_means_that_it_failed(
    client: Client, inviter: Inviter, url: str, body: bytes
) -> None:
    inviter.status, inviter.body = 503, body
    with pytest.raises(PairingFailed):
        await deliver(client, url, LOOPBACK, b"")
