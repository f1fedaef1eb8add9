"""TLS on the federation listener, with and without certificates of partners."""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.request import urlopen

import pytest
import trustme

from node.listeners.tls import is_loopback
from tests.conftest import MakeNode, Serving
from tests.node.listeners.raw import exchange
from tests.node.test_serve import process, started

CARD = "GET /.well-known/interlingua-node HTTP/1.1"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def files(authority: trustme.CA, tmp_path: Path) -> dict[str, str]:
    """PEM files of a certificate for 127.0.0.1 and of its authority, as settings."""
    certificate = authority.issue_cert("127.0.0.1")
    paths = {
        "federation.tls_certificate": tmp_path / "certificate.pem",
        "federation.tls_key": tmp_path / "key.pem",
        "federation.client_ca": tmp_path / "ca.pem",
    }
    certificate.cert_chain_pems[0].write_to_path(str(paths["federation.tls_certificate"]))
    certificate.private_key_pem.write_to_path(str(paths["federation.tls_key"]))
    authority.cert_pem.write_to_path(str(paths["federation.client_ca"]))
    return {name: str(path) for name, path in paths.items()}


def client(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_partners_reach_the_node_over_tls(
    make_node: MakeNode, serving: Serving, authority: trustme.CA, files: dict[str, str]
) -> None:
    del files["federation.client_ca"]
    async with serving(make_node(setting=files)) as listeners:
        assert listeners.federation.url.startswith("https://")
        answer = await exchange(listeners.federation.port, CARD, tls=client(authority))
        assert answer.status == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            await exchange(listeners.federation.port, CARD, tls=ssl.create_default_context())


async def test_with_a_client_authority_a_partner_must_show_a_certificate(
    make_node: MakeNode, serving: Serving, authority: trustme.CA, files: dict[str, str]
) -> None:
    known, stranger = client(authority), client(authority)
    authority.issue_cert("partner.example").configure_cert(known)
    trustme.CA().issue_cert("partner.example").configure_cert(stranger)
    async with serving(make_node(setting=files)) as listeners:
        answer = await exchange(listeners.federation.port, CARD, tls=known)
        assert answer.status == 200
        for refused in (stranger, client(authority)):
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await exchange(listeners.federation.port, CARD, tls=refused)


def test_a_node_of_its_own_process_speaks_tls(
    make_node: MakeNode, authority: trustme.CA, files: dict[str, str]
) -> None:
    del files["federation.client_ca"]
    with process(make_node(setting=files).data) as running:
        url = started(running).federation.url
        with urlopen(  # noqa: S310 - https to loopback
            f"{url}/.well-known/interlingua-node", context=client(authority)
        ) as answer:
            assert answer.status == 200


async def test_old_tls_is_not_spoken(
    make_node: MakeNode, serving: Serving, authority: trustme.CA, files: dict[str, str]
) -> None:
    del files["federation.client_ca"]
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(old)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    async with serving(make_node(setting=files)) as listeners:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await exchange(listeners.federation.port, CARD, tls=old)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 - not bound
        ("::", False),
        ("192.168.1.1", False),
        ("localhost.example", False),
        ("", False),
    ],
)
def test_what_counts_as_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
