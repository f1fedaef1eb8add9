"""Askers confirm what they received; what they did not confirm is visible, and nothing else is."""

from collections import Counter
from dataclasses import replace

from node.federation.acknowledger import FIRST_PAUSE_S
from node.federation.exchange import Exchanger
from node.federation.owed import Owed
from node.operations.audit import LogVerified, VerifyLog
from protocol.acknowledgement import Acknowledgement, ReceivedAnswer
from protocol.canonical import digest
from protocol.leaf import Acknowledged, Denied, Received, Refused, Unacknowledged
from protocol.limits import ACKNOWLEDGE_S, MAX_ACKS_PER_MINUTE
from tests.scenarios.conftest import Pair, Watched
from tests.scenarios.middleman import Message, unchanged
from tests.scenarios.world import PURPOSE, Organisation


async def verified(organisation: Organisation) -> LogVerified:
    result = await organisation.do("audit.verify", VerifyLog(), LogVerified)
    assert result.findings == ()
    return result


def message(lab: Organisation, *answers: ReceivedAnswer, **changes: str) -> bytes:
    fields = {
        "salt": "A" * 22,
        "checkpoint": lab.node.log.checkpoint().decode(),
        "answers": answers,
        **changes,
    }
    return Acknowledgement.model_validate(fields).encode()


async def bring(lab: Organisation, body: bytes) -> str | None:
    exchanger: Exchanger = lab.node.exchanger
    peer = lab.node.peers.active("clinic.example")
    return await exchanger.acknowledge(peer, body, 30.0)


async def test_answers_are_acknowledged_together_and_once_across_a_restart(paired: Pair) -> None:
    lab, clinic = paired.lab, paired.clinic
    for topic in range(3):
        await lab.ask(topic)
    await lab.ask(purpose="marketing", collections=["clinic.example/docs"])  # denied: not confirmed
    (denied,) = clinic.leaves(Denied)
    own = {
        leaf.answer: index
        for index, leaf in enumerate(lab.all_leaves())
        if isinstance(leaf, Received) and leaf.purpose == PURPOSE and leaf.decision == "answered"
    }
    await lab.stop()  # nothing was acknowledged yet
    lab = await paired.world.serve(lab.node.data)
    await lab.node.acknowledger.send_due()
    await lab.node.acknowledger.send_due()
    (leaf,) = clinic.leaves(Acknowledged)
    assert [clinic.all_leaves()[index].type for index in leaf.confirmed] == ["answered"] * 3
    told = Acknowledgement.parse(leaf.message.encode())
    assert leaf.query == digest(leaf.message.encode())
    assert {one.answer: one.received for one in told.answers} == own
    assert denied.answer not in own
    # its checkpoint counts as seen, so a log that was put back shows
    seen = clinic.node.log.seen("lab.example", _pinned(clinic), told_origin(lab))
    assert seen is not None
    assert seen.note.decode() == told.checkpoint
    await lab.ask()
    again = Owed(lab.node.log, lab.node.data.acknowledged_file, lab.clock)  # as a start reads it
    assert len(again.next("clinic.example", 10)) == 1
    assert (await verified(clinic)).confirmed == 3
    assert (await verified(clinic)).unconfirmed == 1


def _pinned(clinic: Organisation) -> str:
    return clinic.node.peers.get("lab.example").record.pinned


def told_origin(lab: Organisation) -> str:
    return lab.node.log_origin


async def test_a_lost_confirmation_is_asked_for_again_and_a_missing_one_has_its_leaf(
    watched: Watched,
) -> None:
    lab, clinic = watched.lab, watched.clinic

    async def lose(answer: Message) -> Message:
        return replace(answer, status=502, headers=(), body=b"")

    await lab.ask()
    watched.between.on_answer = lose
    await lab.node.acknowledger.send_due()
    watched.between.on_answer = unchanged
    assert len(clinic.leaves(Acknowledged)) == 1
    assert lab.node.owed.partners() == ["clinic.example"]
    await lab.node.acknowledger.send_due()  # still in its pause
    assert lab.node.owed.partners() == ["clinic.example"]
    watched.world.time.offset += FIRST_PAUSE_S
    await lab.node.acknowledger.send_due()
    assert lab.node.owed.partners() == []
    assert len(clinic.leaves(Acknowledged)) == 1

    await lab.ask(topic=1)
    late = lab.node.owed.next("clinic.example", 1)
    await clinic.node.responder.note_overdue()
    assert clinic.leaves(Unacknowledged) == []
    watched.world.time.offset += ACKNOWLEDGE_S + 1
    for _ in range(2):
        await clinic.node.responder.note_overdue()
    (missing,) = clinic.leaves(Unacknowledged)
    assert missing.peer == "lab.example"
    assert missing.unconfirmed == (late[0].leaf,)
    assert lab.node.owed.partners() == []  # the asker has given up
    for one in (lab, clinic):
        await one.node.renew()
    assert await bring(lab, message(lab, *late)) is None  # late is better than never
    assert (await verified(clinic)).confirmed == 2


async def test_a_partner_confirms_nothing_but_its_own_answers_and_leaves_no_leaf_else(
    paired: Pair,
) -> None:
    lab, clinic = paired.lab, paired.clinic
    await lab.ask()
    (true,) = lab.node.owed.next("clinic.example", 1)
    other = true.model_copy(update={"answer": digest(b"another")})
    elsewhere = true.model_copy(update={"leaf": 0})
    ahead = true.model_copy(update={"received": 10**9})
    size = clinic.node.log.size()
    refused = "acknowledgement-refused"
    for body, code in (
        (message(lab, other), "nothing-acknowledged"),
        (message(lab, elsewhere), "nothing-acknowledged"),
        (message(lab, ahead), refused),
        (message(lab, true, checkpoint=clinic.node.log.checkpoint().decode()), refused),
        (b"{}", refused),
        # padding that would stay in the log for ever, or make the leaf too long for one
        (message(lab, true).replace(b"{", b"{ ", 1), refused),
        (message(lab, true).replace(b"{", b"{" + b"\n" * 31_000, 1), refused),
    ):
        assert await bring(lab, body) == code
    said = [await bring(lab, b"{}") for _ in range(MAX_ACKS_PER_MINUTE)]
    assert said.count("rate-limited") > 0
    assert clinic.node.log.size() == size
    await clinic.node.responder.flush(everything=True)
    counted = sum((Counter(leaf.counts) for leaf in clinic.leaves(Refused)), Counter[str]())
    assert counted["nothing-acknowledged"] == 2
    assert counted[refused] + counted["rate-limited"] == 5 + MAX_ACKS_PER_MINUTE
    assert (await lab.ask_one()).state == "ok"  # its questions are not held up by that
