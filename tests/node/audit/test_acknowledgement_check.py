"""An acknowledgement in a log counts for what the partner has signed, and once."""

import pytest

from node.audit.acknowledgement_check import AcknowledgementCheck
from node.audit.findings import Findings
from protocol.acknowledgement import Acknowledgement, ReceivedAnswer
from protocol.canonical import digest
from protocol.leaf import Acknowledged, AnyLeaf, Unacknowledged
from tests.protocol.leaf_samples import AT, answered, question

FIRST, SECOND = answered(b"1"), answered(b"2", answer=digest(b"second"))


def acknowledged(*leaves: int, named: dict[int, str], message: str | None = None) -> Acknowledged:
    answers = tuple(
        ReceivedAnswer(answer=answer, received=leaf + 40, leaf=leaf)
        for leaf, answer in named.items()
    )
    body = Acknowledgement(salt="A" * 22, checkpoint="note", answers=answers).encode()
    fields = {k: v for k, v in question(body).items() if k in Acknowledged.model_fields}
    return Acknowledged(
        **fields, message=message or body.decode(), confirmed=leaves, answer=digest(b"confirmed")
    )


BOTH = {0: FIRST.answer, 1: SECOND.answer}
HONEST = acknowledged(0, 1, named=BOTH)


def found(*leaves: AnyLeaf, whole: bool = True) -> list[str]:
    findings = Findings()
    check = AcknowledgementCheck(findings, whole=whole)
    for index, leaf in enumerate(leaves):
        check.look(index, leaf)
    return [one.detail for one in findings.listed]


def test_what_was_answered_is_confirmed_late_or_in_time() -> None:
    late = Unacknowledged(at=AT, peer="clinic.example", unconfirmed=(1,))
    assert found(FIRST, SECOND, HONEST) == found(FIRST, SECOND, late, HONEST) == []


def test_of_a_part_only_what_is_in_it_is_compared() -> None:
    assert found(FIRST, acknowledged(77, named={77: FIRST.answer}), whole=False) == []
    assert found(FIRST, SECOND, HONEST, HONEST, whole=False) != []


@pytest.mark.parametrize(
    "leaves",
    [
        (FIRST, SECOND, acknowledged(0, named=BOTH, message='{"v":1}')),
        (FIRST, SECOND, acknowledged(0, 1, named={0: FIRST.answer})),
        (FIRST, SECOND, acknowledged(0, named={0: SECOND.answer})),
        (FIRST, acknowledged(0, 1, named=BOTH)),
        (FIRST, SECOND, HONEST, HONEST),
        (FIRST.model_copy(update={"peer": "lab.example"}), acknowledged(0, named=BOTH)),
        (FIRST, Unacknowledged(at=AT, peer="clinic.example", unconfirmed=(4,))),
        (FIRST, SECOND, HONEST, Unacknowledged(at=AT, peer="clinic.example", unconfirmed=(0,))),
    ],
)
def test_another_message_answer_place_partner_or_time_is_named(leaves: tuple[AnyLeaf]) -> None:
    assert len(found(*leaves)) == 1
