"""The files of signed requests and answers: this implementation reaches the outcome they name."""

import base64
import json
from typing import Any

import pytest

from keys.ring import KeyRecord, KeyRing
from protocol.accept_answer import RawAnswer, accept_answer
from protocol.accept_query import AcceptedRequest, RawRequest, ReceiverContext, accept
from protocol.answer_content import AnsweringPeer
from protocol.answer_refused import AnswerRefused
from protocol.binding import Binding
from protocol.messages import Query
from protocol.notation import from_base64url
from protocol.problems import Refused
from protocol.sign import SignedRequest
from tests.vectors.exchanges import FILES, HERE, written


def load(name: str) -> Any:
    return json.loads((HERE / name).read_text(encoding="utf-8"))


REQUESTS, ANSWERS = load("requests.json"), load("answers.json")


@pytest.mark.parametrize("name", FILES)
def test_the_files_are_as_they_were_generated(name: str) -> None:
    assert (HERE / name).read_text(encoding="utf-8") == written(name)


def ring(keys: list[dict[str, Any]]) -> KeyRing:
    return KeyRing(
        KeyRecord(
            key["kid"],
            from_base64url(key["public"]),
            key["purpose"],
            key["not_before"],
            key["not_after"],
        )
        for key in keys
    )


def headers(pairs: list[list[str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]


def request(fields: dict[str, Any]) -> RawRequest:
    return RawRequest(
        method=fields["method"],
        authority=fields["authority"],
        path=fields["path"],
        query=fields["query"],
        headers=headers(fields["headers"]),
        body=base64.b64decode(fields["body"]),
    )


SENDERS = {name: ring(keys) for name, keys in REQUESTS["senders"].items()}
RECEIVER = ReceiverContext(
    organisation=REQUESTS["receiver"]["organisation"],
    authorities=frozenset(REQUESTS["receiver"]["authorities"]),
    sender_ring=SENDERS.get,
)


@pytest.mark.parametrize("case", REQUESTS["cases"], ids=lambda case: str(case["name"]))
def test_requests(case: dict[str, Any]) -> None:
    raw = request(case["request"])
    if case["code"] is None:
        assert accept(raw, RECEIVER, case["at"]).body == raw.body
        return
    with pytest.raises(Refused) as caught:
        accept(raw, RECEIVER, case["at"])
    assert caught.value.code == case["code"]


def sent(accepted: AcceptedRequest) -> SignedRequest:
    """The same request on its sender's side."""
    binding: Binding = accepted.binding
    return SignedRequest(
        binding, (), accepted.body, accepted.body_digest, accepted.created, accepted.expires
    )


ASKED = sent(accept(request(ANSWERS["request"]), RECEIVER, ANSWERS["at"]))
PEER = AnsweringPeer(
    ring=ring(ANSWERS["peer"]["keys"]),
    log_origin=ANSWERS["peer"]["log"]["origin"],
)


@pytest.mark.parametrize("case", ANSWERS["cases"], ids=lambda case: str(case["name"]))
def test_answers(case: dict[str, Any]) -> None:
    raw = RawAnswer(case["status"], headers(case["headers"]), base64.b64decode(case["body"]))
    question = Query.parse(ASKED.body)
    if case["reason"] is None:
        assert accept_answer(ASKED, question, raw, PEER, ANSWERS["at"])
        return
    with pytest.raises(AnswerRefused) as caught:
        accept_answer(ASKED, question, raw, PEER, ANSWERS["at"])
    assert caught.value.reason == case["reason"]
