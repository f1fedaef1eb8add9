"""After real exchanges both logs verify, each side proves the other's leaf, and forgery shows."""

from pathlib import Path

import pytest

from node.audit.entry import Effects, Entry, QueryEffect
from node.federation.epochs import day_of
from node.operations.audit import LogExamined, LogVerified, VerifyLog
from node.operations.audit_reconcile import reconcile_bundles
from node.operations.errors import InvalidRequest
from node.operations.partners import ListPartners, Partners
from node.operations.registry import NoRequest
from protocol.leaf import Answered, Denied, Received, Sent
from protocol.note import VerifierKey
from tests.scenarios.bundles import bundle
from tests.scenarios.conftest import Pair
from tests.scenarios.world import DOCS, Organisation


async def verified(organisation: Organisation) -> LogVerified:
    return await organisation.do("audit.verify", VerifyLog(), LogVerified)


async def some_questions(paired: Pair) -> None:
    await paired.lab.ask(k=3)
    await paired.lab.ask(topic=2, k=1)
    await paired.lab.ask(purpose="marketing", collections=["clinic.example/docs"])
    await paired.lab.do("partners", ListPartners(), Partners)


async def test_both_logs_verify_against_both_sides_root_documents(paired: Pair) -> None:
    await some_questions(paired)
    lab, clinic = await verified(paired.lab), await verified(paired.clinic)
    for result in (lab, clinic):
        assert result.findings == ()
        assert (result.verdict, result.log_key_from) == ("SELF-SIGNED", "root document")
        assert result.requests == result.requests_bound > 0
    assert clinic.leaves["answered"] == 2
    assert clinic.leaves["denied"] == len(paired.clinic.leaves(Denied)) == 1
    assert lab.receipts == lab.receipts_proved == len(paired.lab.leaves(Received))
    examined = await paired.clinic.do("audit.fsck", NoRequest(), LogExamined)
    assert (examined.whole, examined.root) == (True, clinic.root)


async def test_the_log_states_the_key_that_partners_know(paired: Pair) -> None:
    await paired.lab.ask()
    peer = paired.lab.node.peers.get("clinic.example")
    public = peer.root.ring.records[peer.card.log_kid].public
    known = str(VerifierKey(peer.card.log_origin, public))
    assert (await verified(paired.clinic)).verifier_key == known


async def test_a_responder_that_invents_a_second_question_is_found_out(paired: Pair) -> None:
    """It has one signed question and logs another purpose's answer on its strength."""
    await paired.lab.ask(k=1)
    (answered,) = paired.clinic.leaves(Answered)
    invented = answered.model_copy(update={"purpose": "treatment", "exposed": None})
    charge = QueryEffect("lab.example", DOCS, day_of(answered.at), 1)
    await paired.clinic.node.log.append(Entry(invented, Effects(queries=charge)))
    result = await verified(paired.clinic)
    assert result.verdict == "INVALID"
    assert {finding.kind for finding in result.findings} == {"request-repeated"}


async def test_two_sides_bundles_tell_the_same_of_their_exchanges(
    paired: Pair, tmp_path: Path
) -> None:
    await some_questions(paired)
    lab = await bundle(paired.lab, tmp_path / "lab")
    clinic = await bundle(paired.clinic, tmp_path / "clinic")
    result = reconcile_bundles(lab, clinic, ())
    assert result.differences == ()
    assert result.agreed >= len(paired.lab.leaves(Sent)) == 3
    assert [each.verdict for each in result.bundles] == ["SELF-SIGNED", "SELF-SIGNED"]
    assert all(each.requests == each.requests_bound > 0 for each in result.bundles)
    with pytest.raises(InvalidRequest):
        reconcile_bundles(lab, lab, ())
