"""What ends is said in time, by doctor, log and metrics, and only where nothing renews it."""

from __future__ import annotations

from pathlib import Path

from structlog.testing import capture_logs

from node import expiries
from node.doctor.finding import Diagnosis
from node.expiries import WARN_S, Expiry, own
from node.gauges import NodeGauges
from node.key_plans import LIFETIME_S
from node.operations.catalogue import find
from node.operations.registry import NoRequest, silent
from protocol.limits import ROOT_LIFETIME_S
from tests.scenarios.conftest import Pair
from tests.scenarios.world import Organisation, grant

DAY_S = 86_400
OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


async def codes(one: Organisation) -> set[str]:
    diagnosis = await find("doctor").handler(one.node, NoRequest(), silent)
    assert isinstance(diagnosis, Diagnosis)
    return {finding.code for finding in diagnosis.findings}


def figures(one: Organisation, name: str) -> dict[str, float]:
    one.node.serving = True
    return {
        " ".join(sample.labels.values()): sample.value
        for family in NodeGauges(one.node, lambda: None).collect()
        for sample in family.samples
        if family.name == name
    }


async def test_nothing_ends_soon_in_a_new_federation(paired: Pair) -> None:
    expected = {"root-expiry", "key-expiry", "grant-expiry", "partner-root-expiry", "key-away"}
    assert not await codes(paired.clinic) & expected


async def test_keys_that_nobody_can_replace_are_warned_of(paired: Pair, tmp_path: Path) -> None:
    clinic = paired.clinic
    clinic.node.data.key_file("root").rename(tmp_path / "root.key")
    paired.world.time.offset += LIFETIME_S["sign"] - WARN_S["key"] + 1
    near = {each.subject for each in own(clinic.node) if each.is_near(clinic.node.clock())}
    assert {"card", "sign"} <= near
    assert "key-expiry" in await codes(clinic)


async def test_a_replaced_key_may_end_without_a_word(paired: Pair) -> None:
    clinic = paired.clinic
    await clinic.node.roots.rotate("sign")
    before = {each.subject: each.at for each in own(clinic.node)}
    paired.world.time.offset += DAY_S
    assert not [e for e in own(clinic.node) if e.is_near(clinic.node.clock()) and e.kind == "key"]
    assert before["sign"] > before["card"]


async def test_documents_of_a_partner_and_grants_are_warned_of(paired: Pair) -> None:
    soon = "2030-01-01T00:00:00Z"
    await paired.clinic.grant(grant("lab.example", expires=soon))
    (ends,) = [each for each in expiries.grants(paired.clinic.node) if each.kind == "grant"]
    paired.world.time.offset += ends.at - DAY_S - paired.clinic.node.clock()
    assert {"grant-expiry", "partner-root-expiry"} <= await codes(paired.clinic)
    assert figures(paired.clinic, "interlingua_grant_expires") == {"lab.example": ends.at}


async def test_a_draft_and_a_lost_key_are_named(paired: Pair, tmp_path: Path) -> None:
    clinic = paired.clinic
    away = clinic.node.data.key_file("root").rename(tmp_path / "root.key")
    await clinic.node.roots.rotate("sign")
    assert "root-draft" in await codes(clinic)
    away.rename(clinic.node.data.key_file("root"))
    (planned,) = (await clinic.node.roots.rotate("card")).created
    clinic.node.identity.files.remove("card", planned)
    assert "key-away" in await codes(clinic)


async def test_the_figures_name_each_purpose_and_partner(paired: Pair) -> None:
    ends = figures(paired.clinic, "interlingua_key_expires")
    assert set(ends) == {"root", "card", "sign", "log", "witness"}
    assert ends["root"] > ends["sign"]
    lab = paired.clinic.node.peers.get("lab.example").root.expires
    assert figures(paired.clinic, "interlingua_partner_root_expires") == {"lab.example": lab}


async def test_the_log_says_what_ends_soon(paired: Pair) -> None:
    paired.world.time.offset += ROOT_LIFETIME_S - 5 * DAY_S
    with capture_logs() as lines:
        await expiries.warn(paired.clinic.node)
    assert {line["event"] for line in lines if line["log_level"] == "warning"} == {"ends soon"}


def test_an_end_is_said_in_words() -> None:
    ending = Expiry("root", "The root document", 1_800_000_000, "renew it")
    assert ending.sentence(1_700_000_000) == "The root document ends 2027-01-15 08:00 UTC."
    assert ending.sentence(1_900_000_000).startswith("The root document ended")


def test_the_times_before_an_end_are_those_of_the_documents() -> None:
    text = " ".join(OPERATIONS.read_text(encoding="utf-8").split())
    days = {kind: seconds // DAY_S for kind, seconds in WARN_S.items()}
    weeks = {kind: {14: "two weeks", 21: "three weeks"}.get(n) for kind, n in days.items()}
    for said in (
        f"the root document ({weeks['root']} before)",
        f"keys that have no successor ({days['key']} days; root keys {days['root-key']})",
        f"the TLS certificate ({weeks['certificate']})",
        f"partners' root documents and grants ({weeks['partner-root']})",
        f"agreements ({days['agreement']} days)",
    ):
        assert said in text
    assert days["grant"] == days["partner-root"]
