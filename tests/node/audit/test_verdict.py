"""For each exchange its own witnesses: neither the log's owner nor the partner counts."""

import pytest

from node.audit.findings import Findings, Kind
from node.audit.verdict import Parties, verdict_of
from protocol.witness_policy import Witnessed

LAB, CLINIC, BANK, COURT = "lab.example", "clinic.example", "bank.example", "court.example"


@pytest.mark.parametrize(
    ("partners", "cosigned", "needed", "enough"),
    [
        ([], [], 1, False),
        ([], [LAB], 1, False),  # the owner cosigned its own log
        ([], [LAB, BANK], 2, False),
        ([], [BANK], 1, True),
        ([CLINIC], [CLINIC], 1, False),
        ([CLINIC], [LAB, CLINIC], 1, False),
        ([CLINIC], [CLINIC, BANK], 1, True),
        ([CLINIC], [CLINIC, BANK], 2, False),
        ([CLINIC, BANK], [CLINIC, BANK], 1, True),  # each for the exchanges with the other
        ([CLINIC, BANK], [CLINIC, BANK], 2, False),
        ([CLINIC, BANK], [CLINIC, BANK, COURT], 2, True),
    ],
)
def test_an_exchange_is_witnessed_by_others_than_its_two_parties(
    partners: list[str], cosigned: list[str], needed: int, enough: bool
) -> None:
    parties = Parties()
    parties.names.update(partners)
    said = Witnessed(dict.fromkeys(cosigned, 1), needed)
    assert parties.suffice(said, LAB) is enough
    assert verdict_of(Findings(), witnessed=parties.suffice(said, LAB)) == (
        "WITNESSED" if enough else "SELF-SIGNED"
    )


@pytest.mark.parametrize(
    ("kinds", "verdict"),
    [
        (["leaf-changed"], "INVALID"),
        (["log-forked"], "DIVERGED"),
        (["leaf-changed", "log-forked"], "INVALID"),
    ],
)
def test_no_witness_outweighs_what_is_wrong(kinds: list[Kind], verdict: str) -> None:
    findings = Findings()
    for kind in kinds:
        findings.add(kind, "found")
    assert verdict_of(findings, witnessed=True) == verdict
