"""TLS between partners: own authorities, mutual certificates, and who may be reached how."""

from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.scenarios.world import Organisation, World, documents, grant, pair

HTTPS = "https://127.0.0.1:{port}"


class Certificates:
    """An authority and what it certifies, as files."""

    def __init__(self, directory: Path, name: str) -> None:
        self.authority = trustme.CA()
        self.directory = directory / name
        self.directory.mkdir()
        self.ca_file = self.directory / "ca.pem"
        self.authority.cert_pem.write_to_path(str(self.ca_file))

    def issue(self, name: str) -> tuple[Path, Path]:
        """A certificate with its key for a host."""
        issued = self.authority.issue_cert(name)
        chain, key = self.directory / "chain.pem", self.directory / "key.pem"
        chain.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(str(key))
        return chain, key

    def listener(self, name: str = "127.0.0.1") -> dict[str, Any]:
        """Settings of a listener with a certificate for `name`."""
        chain, key = self.issue(name)
        return {"federation.tls_certificate": str(chain), "federation.tls_key": str(key)}


async def clinic_with(world: World, settings: dict[str, Any]) -> Organisation:
    return await world.organisation(
        "clinic.example", documents("clinic"), url=HTTPS, setting=settings
    )


async def test_partners_speak_tls_under_a_private_authority(world: World, tmp_path: Path) -> None:
    own = Certificates(tmp_path, "own")
    clinic = await clinic_with(world, own.listener())
    lab = await world.organisation("lab.example", setting={"partners.ca_file": str(own.ca_file)})
    await pair(lab, clinic)
    await clinic.grant(grant("lab.example"))
    assert (await lab.ask_one()).state == "ok"


async def test_an_authority_may_be_named_for_one_partner_alone(
    world: World, tmp_path: Path
) -> None:
    own = Certificates(tmp_path, "own")
    clinic = await clinic_with(world, own.listener())
    lab = await world.organisation("lab.example")
    await clinic.trust(lab)
    await lab.trust(clinic, ca_file=own.ca_file)
    await clinic.grant(grant("lab.example"))
    assert (await lab.ask_one()).state == "ok"


@pytest.mark.parametrize("fault", ["other authority", "other name"])
async def test_a_certificate_that_does_not_fit_ends_the_connection(
    world: World, tmp_path: Path, fault: str
) -> None:
    own, other = Certificates(tmp_path, "own"), Certificates(tmp_path, "other")
    name = "elsewhere.example" if fault == "other name" else "127.0.0.1"
    clinic = await clinic_with(world, own.listener(name))
    trusted = other if fault == "other authority" else own
    lab = await world.organisation(
        "lab.example", setting={"partners.ca_file": str(trusted.ca_file)}
    )
    await pair(lab, clinic)
    status = await lab.ask_one(peers=["clinic.example"])
    assert status.state == "unreachable"
    assert "certificate" in (status.detail or "").lower()


@pytest.mark.parametrize("shown", [True, False])
async def test_a_partner_that_wants_a_certificate_gets_it_or_hangs_up(
    world: World, tmp_path: Path, shown: bool
) -> None:
    own, labs = Certificates(tmp_path, "own"), Certificates(tmp_path, "labs")
    chain, key = labs.issue("lab.example")
    settings = {**own.listener(), "federation.client_ca": str(labs.ca_file)}
    clinic = await clinic_with(world, settings)
    mine = {"partners.client_certificate": str(chain), "partners.client_key": str(key)}
    lab = await world.organisation(
        "lab.example",
        setting={"partners.ca_file": str(own.ca_file), **(mine if shown else {})},
    )
    await pair(lab, clinic)
    await clinic.grant(grant("lab.example"))
    status = await lab.ask_one(peers=["clinic.example"])
    assert status.state == ("ok" if shown else "unreachable")


async def test_plaintext_beyond_loopback_is_refused_before_a_byte_is_sent(world: World) -> None:
    clinic = await world.organisation(
        "clinic.example", documents("clinic"), url="http://clinic.example:{port}"
    )
    lab = await world.organisation("lab.example")
    await pair(lab, clinic)
    status = await lab.ask_one(peers=["clinic.example"])
    assert status.state == "address-refused"
    assert "--allow-plaintext" in (status.detail or "")


async def test_a_public_name_that_leads_to_loopback_is_refused_where_it_connects(
    world: World,
) -> None:
    # resolvers read 0x7f000001 as 127.0.0.1; it stands for a name that somebody points there
    clinic = await world.organisation(
        "clinic.example", documents("clinic"), url="https://0x7f000001:{port}"
    )
    lab = await world.organisation("lab.example")
    await pair(lab, clinic)
    status = await lab.ask_one(peers=["clinic.example"])
    assert status.state == "address-refused"
    assert "loopback" in (status.detail or "")
