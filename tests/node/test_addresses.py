"""The address policy judges what is dialled, however it is written."""

import ipaddress

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from node.addresses import AddressPolicy, AddressRefused, connector, reach_of, refusal

NEAR = AddressPolicy(frozenset({"loopback", "private"}), "set allow_external")
FAR = AddressPolicy(frozenset({"public"}), "set allow_private")


@pytest.mark.parametrize(
    ("address", "reach"),
    [
        ("127.0.0.1", "loopback"),
        ("127.8.9.1", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("10.1.2.3", "private"),
        ("172.16.0.1", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "private"),
        ("fd00::1", "private"),
        ("::ffff:10.0.0.1", "private"),
        ("64:ff9b::10.0.0.1", "private"),
        ("2002:0a00:0001::", "private"),
        ("1.1.1.1", "public"),
        ("2606:4700:4700::1111", "public"),
        ("64:ff9b::1.1.1.1", "public"),
        ("0.0.0.0", "forbidden"),  # noqa: S104 - an address to judge, nothing is bound
        ("::", "forbidden"),
        ("169.254.169.254", "forbidden"),
        ("::ffff:169.254.169.254", "forbidden"),
        ("fe80::1%eth0", "forbidden"),
        ("224.0.0.1", "forbidden"),
        ("255.255.255.255", "forbidden"),
        ("240.0.0.1", "forbidden"),
        ("192.0.2.1", "forbidden"),
        ("2001:db8::1", "forbidden"),
        ("::127.0.0.1", "forbidden"),  # IPv4-compatible (RFC 4291 section 2.5.5.1)
        ("::ffff:0:10.0.0.1", "forbidden"),  # IPv4-translated (RFC 7915)
        ("64:ff9b:1::10.0.0.1", "forbidden"),  # NAT64 of the local network (RFC 8215)
        ("fec0::1", "forbidden"),  # site-local (RFC 3879)
    ],
)
def test_an_address_has_the_reach_it_leads_to(address: str, reach: str) -> None:
    assert reach_of(address) == reach


@given(st.ip_addresses())
def test_every_address_has_a_reach_and_mapping_does_not_change_it(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    reach = reach_of(str(ip))
    assert reach in {"loopback", "private", "public", "forbidden"}
    if ip.version == 4:
        assert reach_of(f"::ffff:{ip}") == reach


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "2130706433", "0x7f000001"])
def test_what_is_no_literal_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        FAR.check(text)


def test_the_refusal_names_address_reach_and_fix() -> None:
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.1 is a private .*set allow_private"):
        FAR.check("10.0.0.1")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_connection_is_judged_when_it_is_made(host: str) -> None:
    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="reached")

    app = web.Application()
    app.router.add_get("/", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with (
            aiohttp.ClientSession(connector=connector(NEAR)) as session,
            session.get(f"http://{host}:{port}/") as reply,
        ):
            assert await reply.text() == "reached"
        async with aiohttp.ClientSession(connector=connector(FAR)) as session:
            with pytest.raises(aiohttp.ClientConnectorError) as caught:
                await session.get(f"http://{host}:{port}/")
        assert "set allow_private" in (refusal(caught.value) or "")
    finally:
        await runner.cleanup()


def test_other_failures_are_not_refusals() -> None:
    assert refusal(OSError(111, "Connection refused")) is None
    assert refusal(ValueError("x")) is None
