"""Two honest accounts agree; whatever one side leaves out, invents or changes has its name."""

from typing import Any

import pytest

from protocol.account import EDGE_S, OFFERS, Account
from protocol.acknowledgement import Acknowledgement, ReceivedAnswer
from protocol.canonical import digest
from protocol.leaf import (
    Acknowledged,
    Answered,
    AnyLeaf,
    Exported,
    Offered,
    ReceiptFacts,
    Received,
    Repeated,
    Sent,
    Unacknowledged,
    Unanswered,
)
from protocol.reconcile import Reconciled, reconcile
from tests.protocol.leaf_samples import AT, SIGNER, answered, evidence, question

BANK = "bank.example/interlingua"
BODY = b'{"n":1}'


def sent(body: bytes = BODY, **changes: Any) -> Sent:
    return Sent(**{**question(body), "peer": "bank.example", **changes})


def released(body: bytes = BODY, **changes: Any) -> Answered:
    return answered(body, **changes)


def received(outcome: Answered | Repeated, index: int = 0, **changes: Any) -> Received:
    receipt = ReceiptFacts(
        origin=BANK, index=index, size=9, root=digest(b"root"), leaf=digest(outcome.encode())
    )
    fields: dict[str, Any] = {
        "at": AT + 1,
        "peer": "bank.example",
        "query": outcome.query,
        "key": SIGNER.kid,
        "decision": outcome.decision,
        "purpose": outcome.purpose,
        "collection": outcome.collection,
        "answer": outcome.answer,
        "receipt": receipt,
    }
    return Received(**{**fields, **changes})


def unanswered(body: bytes = BODY) -> Unanswered:
    return Unanswered(at=AT + 9, peer="bank.example", query=digest(body), reason="deadline")


def account(own: str, other: str, leaves: list[AnyLeaf], **export: Any) -> Account:
    told = Account(own, f"{own}/interlingua", other)
    for index, leaf in enumerate(leaves):
        told.enter(index, leaf, leaf.encode())
    fields = {"at": AT + 1_000, "begins": 0, "ends": len(leaves), "roots": digest(b"")}
    told.end(len(leaves), Exported(**{**fields, **export}))
    return told


def joined(clinic: list[AnyLeaf], bank: list[AnyLeaf], **export: Any) -> Reconciled:
    """Join an asker that is complete with a responder's account; symmetric in its arguments."""
    asker = account("clinic.example", "bank.example", clinic)
    responder = account("bank.example", "clinic.example", bank, **export)
    responder.roots = {9: bytes.fromhex(digest(b"root").removeprefix("sha256:"))}
    one, other = reconcile(asker, responder), reconcile(responder, asker)
    assert one == other
    return one


def kinds(result: Reconciled) -> list[str]:
    return [each.kind for each in result.differences]


def test_two_honest_accounts_agree() -> None:
    outcome, other = released(), released(b'{"n":2}')
    clinic: list[AnyLeaf] = [sent(), received(outcome), sent(b'{"n":2}'), received(other, 1)]
    result = joined(clinic, [outcome, other])
    assert (result.agreed, kinds(result), result.contradictory) == (2, [], False)


def test_an_answer_given_twice_is_joined_by_the_leaf_of_its_receipt() -> None:
    first = released()
    second = {
        **question(BODY),
        "evidence": evidence(BODY).model_copy(update={"signature": "q=:AA==:"}),
    }
    again = Repeated(**second, policy=digest(b"p"), first=0, answer=first.answer)
    resent = sent(evidence=second["evidence"])
    result = joined([sent(), unanswered(), resent, received(again, 1)], [first, again])
    assert (result.agreed, kinds(result)) == (2, [])


OUTCOME = released()
ANSWER = received(OUTCOME)
OTHER_RECEIPT = ANSWER.receipt.model_copy(update={"leaf": digest(b"x")}) if ANSWER.receipt else None
OTHER_PLACE = ANSWER.receipt.model_copy(update={"index": 5}) if ANSWER.receipt else None
OTHER_TREE = ANSWER.receipt.model_copy(update={"root": digest(b"x")}) if ANSWER.receipt else None

CASES: dict[str, tuple[list[AnyLeaf], list[AnyLeaf]]] = {
    "only-asker": ([sent(), ANSWER], []),
    "only-responder": ([], [OUTCOME]),
    "answer-differs": ([sent(), received(OUTCOME, answer=digest(b"x"))], [OUTCOME]),
    "statements-differ": ([sent(purpose="treatment"), ANSWER], [OUTCOME]),
    "receipt-differs": ([sent(), received(OUTCOME, receipt=OTHER_RECEIPT)], [OUTCOME]),
    "tree-differs": ([sent(), received(OUTCOME, receipt=OTHER_TREE)], [OUTCOME]),
    "unheard": ([sent(), unanswered()], []),
    "undelivered": ([sent(), unanswered()], [OUTCOME]),
}


def test_a_receipt_for_another_place_differs_too() -> None:
    result = joined([sent(), received(OUTCOME, receipt=OTHER_PLACE)], [OUTCOME])
    assert kinds(result) == ["receipt-differs"]


@pytest.mark.parametrize("kind", CASES)
def test_whatever_differs_has_its_name(kind: str) -> None:
    result = joined(*CASES[kind])
    assert kind in kinds(result)
    assert set(kinds(result)) <= {kind, "undelivered"}
    assert result.contradictory == (kind not in ("unheard", "undelivered"))
    assert result.agreed == 0


@pytest.mark.parametrize(
    "export",
    [
        {"peer": "lab.example"},
        {"purpose": "treatment"},
        {"since": AT + 500},
        {"until": AT - 500},
        {"at": AT + EDGE_S - 1},
        {"begins": 5, "ends": 5},
    ],
    ids=str,
)
def test_what_a_bundle_would_not_show_is_no_contradiction(export: dict[str, Any]) -> None:
    result = joined([sent(), ANSWER], [], **export)
    assert (kinds(result), result.contradictory) == (["not-covered"], False)


def test_offers_have_no_sent_leaf_and_are_joined_by_their_answers() -> None:
    facts = {name: value for name, value in question(b"").items() if name in
             ("at", "peer", "query", "key", "evidence")}  # fmt: skip
    offered = Offered(**facts, offers=2, answer=digest(b"offers"))
    assert offered.query == OFFERS
    got = received(OUTCOME, query=OFFERS, answer=offered.answer, purpose=None, collection=None,
                   receipt=None)  # fmt: skip
    result = joined([got], [offered])
    assert (result.agreed, kinds(result)) == (1, [])
    assert kinds(joined([], [offered])) == ["undelivered"]


def confirming(answer: str, received: int, leaf: int) -> Acknowledged:
    item = ReceivedAnswer(answer=answer, received=received, leaf=leaf)
    body = Acknowledgement(salt="A" * 22, checkpoint="note", answers=(item,)).encode()
    fields = {k: v for k, v in question(body).items() if k in Acknowledged.model_fields}
    return Acknowledged(
        **fields, message=body.decode(), confirmed=(leaf,), answer=digest(b"confirmed")
    )


def test_what_the_asker_has_signed_that_it_received_stands_where_it_said() -> None:
    outcome = released()
    clinic: list[AnyLeaf] = [sent(), received(outcome)]
    assert joined(clinic, [outcome, confirming(outcome.answer, 1, 0)]).differences == ()
    elsewhere = joined(clinic, [outcome, confirming(outcome.answer, 0, 0)])
    assert [one.kind for one in elsewhere.differences] == ["acknowledgement-differs"]
    lost = joined([sent()], [outcome, confirming(outcome.answer, 1, 0)])
    assert "acknowledgement-differs" in [one.kind for one in lost.differences]
    assert elsewhere.contradictory


def test_an_answer_that_was_received_and_never_acknowledged_is_a_gap() -> None:
    outcome = released()
    late = Unacknowledged(at=AT + 9, peer="clinic.example", unconfirmed=(0,))
    clinic: list[AnyLeaf] = [sent(), received(outcome)]
    found = joined(clinic, [outcome, late])
    assert [one.kind for one in found.differences] == ["unconfirmed"]
    assert not found.contradictory
    assert joined(clinic, [outcome, late, confirming(outcome.answer, 1, 0)]).differences == ()
