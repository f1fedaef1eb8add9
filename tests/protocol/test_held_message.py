"""Held: what a partner has seen of the asker's own log and documents."""

from typing import Any

import pytest
from pydantic import ValidationError

from protocol.accept_answer import accept_answer
from protocol.answer_content import AcceptedAnswer
from protocol.answer_refused import AnswerRefused
from protocol.leaf import Compared
from protocol.limits import MAX_DOCUMENT_BYTES
from protocol.messages import Held
from tests.protocol.exchange import AT, PEER, answered, held, offers, signed_held, signed_offers


def test_what_is_written_is_read() -> None:
    for message in (held(), held(checkpoint=None)):
        assert Held.parse(message.encode()) == message
        assert b"\n" not in message.encode()


@pytest.mark.parametrize(
    "changes",
    [
        {"checkpoint": ""},
        {"checkpoint": "x" * 4097},
        {"log_origin": "two words"},
        {"root_version": 0},
        {"card_serial": 0},
        {"root": ""},
        {"root": "x" * (MAX_DOCUMENT_BYTES + 1)},
        {"extra": 1},
    ],
)
def test_every_member_has_its_bounds(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        held(**changes)


def test_it_comes_with_a_receipt_and_answers_nothing_else() -> None:
    request = signed_held()
    result = accept_answer(request, None, answered(request, held()), PEER, AT)
    assert isinstance(result, AcceptedAnswer)
    assert isinstance(result.payload, Held)
    assert isinstance(result.leaf, Compared)
    for asked, payload in ((signed_held(), offers()), (signed_offers(), held())):
        with pytest.raises(AnswerRefused) as refused:
            accept_answer(asked, None, answered(asked, payload), PEER, AT)
        assert refused.value.reason == "message"
