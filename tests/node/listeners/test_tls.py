"""TLS on the federation listener, with and without certificates of partners."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from structlog.testing import capture_logs

from node.doctor.listeners import check_listeners
from node.listeners.live_tls import LiveTls
from node.listeners.tls import is_loopback
from node.operations.errors import InvalidRequest
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


def replace_certificate(authority: trustme.CA, files: dict[str, str], end: datetime | None) -> str:
    """Write a new certificate and key over the old ones; the certificate's serial number."""
    fresh = authority.issue_cert("127.0.0.1", not_after=end)
    for name, part in (("key", fresh.private_key_pem), ("certificate", fresh.cert_chain_pems[0])):
        path = Path(files[f"federation.tls_{name}"])
        passing = path.with_suffix(".new")
        part.write_to_path(str(passing))
        passing.replace(path)
    return serial(ssl.PEM_cert_to_DER_cert(fresh.cert_chain_pems[0].bytes().decode()))


def serial(certificate: bytes | None) -> str:
    assert certificate is not None
    return f"{x509.load_der_x509_certificate(certificate).serial_number:x}"


def read(files: dict[str, str], name: str) -> bytes:
    return Path(files[f"federation.tls_{name}"]).read_bytes()


def write(files: dict[str, str], name: str, content: bytes) -> None:
    Path(files[f"federation.tls_{name}"]).write_bytes(content)


async def is_let_in(port: int, tls: ssl.SSLContext) -> bool:
    try:
        return (await exchange(port, CARD, tls=tls)).status == 200
    except (ssl.SSLError, ConnectionError):
        return False


async def shown(port: int, tls: ssl.SSLContext) -> str:
    """The serial number of the certificate that a new connection sees."""
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    try:
        return serial(writer.get_extra_info("ssl_object").getpeercert(binary_form=True))
    finally:
        writer.close()


async def metric(port: int, name: str) -> float:
    page = (await exchange(port, "GET /metrics HTTP/1.1")).body.decode()
    (line,) = (line for line in page.splitlines() if line.startswith(f"{name} "))
    return float(line.split()[1])


async def test_new_files_serve_new_connections_and_leave_open_ones_alone(
    make_node: MakeNode,
    serving: Serving,
    authority: trustme.CA,
    files: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    del files["federation.client_ca"]
    monkeypatch.setattr("node.serve.LOOK_S", 0.02)
    trusted, end = client(authority), datetime(2039, 5, 1, tzinfo=UTC)
    async with serving(make_node(setting=files)) as listeners:
        port = listeners.federation.port
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusted)
        before = await shown(port, trusted)
        fresh = replace_certificate(authority, files, end)
        assert fresh != before
        async with asyncio.timeout(30):
            while await shown(port, trusted) != fresh:  # noqa: ASYNC110 - no event to wait for
                await asyncio.sleep(0.02)
        writer.write(f"{CARD}\r\nHost: 127.0.0.1\r\n\r\n".encode())
        assert b"200 OK" in await reader.readline(), "the open connection still works"
        writer.close()
        ends = await metric(listeners.admin.port, "interlingua_certificate_expires")
        assert ends == end.timestamp()


async def test_files_that_do_not_load_change_nothing_until_they_do(
    authority: trustme.CA,
    files: dict[str, str],
    make_node: MakeNode,
) -> None:
    live = LiveTls(make_node(setting=files).settings.federation)
    before = live.expires
    write(files, "certificate", read(files, "certificate")[:100])
    with capture_logs() as lines:
        await live.look()
        await live.look()
    assert [line["event"] for line in lines].count("new TLS files not taken") == 1
    assert live.expires == before
    end = datetime(2039, 5, 1, tzinfo=UTC)
    old_key = read(files, "key")
    replace_certificate(authority, files, end)
    new_key = read(files, "key")
    write(files, "key", old_key)  # the certificate is there before its key
    await live.look()
    assert live.expires == before
    write(files, "key", new_key)
    await live.look()
    assert live.expires == end.timestamp()


async def test_an_authority_that_was_taken_out_lets_nobody_in(
    make_node: MakeNode,
    serving: Serving,
    authority: trustme.CA,
    files: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("node.serve.LOOK_S", 0.02)
    successor = trustme.CA()
    known = client(authority)
    authority.issue_cert("partner.example").configure_cert(known)
    async with serving(make_node(setting=files)) as listeners:
        assert await is_let_in(listeners.federation.port, known)
        successor.cert_pem.write_to_path(files["federation.client_ca"])
        async with asyncio.timeout(30):
            while await is_let_in(listeners.federation.port, known):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.02)


def test_a_sealed_key_is_refused_and_nobody_is_asked(
    files: dict[str, str], make_node: MakeNode
) -> None:
    path = Path(files["federation.tls_key"])
    key = load_pem_private_key(path.read_bytes(), None)
    sealed = BestAvailableEncryption(b"hunter2")
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed))
    with pytest.raises(InvalidRequest, match="sealed") as refused:
        LiveTls(make_node(setting=files).settings.federation)
    assert refused.value.code == "tls-key-sealed"


def test_doctor_names_a_certificate_that_ends_and_a_key_that_others_can_read(
    make_node: MakeNode, authority: trustme.CA, files: dict[str, str]
) -> None:
    replace_certificate(authority, files, datetime(2039, 5, 1, tzinfo=UTC))
    key = Path(files["federation.tls_key"])
    key.chmod(0o600)
    settings = make_node(setting=files).settings
    end = int(datetime(2039, 5, 1, tzinfo=UTC).timestamp())

    def found(now: int) -> dict[str, str]:
        return {each.code: each.level for each in check_listeners(settings, now)}

    assert "certificate-expiry" not in found(end - 30 * 86_400)
    assert found(end - 86_400)["certificate-expiry"] == "warning"
    assert found(end)["certificate-expiry"] == "problem"
    assert "tls-key-exposed" not in found(end)
    key.chmod(0o644)
    assert found(end)["tls-key-exposed"] == "problem"


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
